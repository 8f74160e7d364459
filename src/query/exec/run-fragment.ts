import { DbError } from '../../base/errors.ts';
import { fragmentVersion, type Fragment, type RowsBlock, type WindowsBlock } from '../fragment.ts';
import { fragmentEnd, unpackAlike, type AlikeFragments } from '../fragment-run.ts';
import type { ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { runAlikeWindows } from './run-alike-windows.ts';
import { runCosts } from './run-costs.ts';
import { runRows } from './run-rows.ts';
import { runWindows } from './run-windows.ts';

export type FragmentBlock = RowsBlock | WindowsBlock;

/**
 * Runs fragments that are alike but for their measurement, one after the other: the end of each is told. Each is given a context of its
 * own where it counts points.
 */
export function* runAlikeFragments(
  alike: AlikeFragments,
  sources: readonly ShardSource[],
  contextOf: () => FragmentContext,
): Generator<FragmentBlock | typeof fragmentEnd | undefined> {
  const { fragment, measurements } = alike;
  const fragments = unpackAlike(alike);
  const isCurrent = fragment.version === fragmentVersion;
  if (fragment.task.kind === 'windows' && measurements.length > 1 && isCurrent) {
    yield* runAlikeWindows(fragments, fragment.task, sources, contextOf);
    return;
  }
  for (const one of fragments) {
    yield* runFragment(one, sources, contextOf());
    yield fragmentEnd;
  }
}

/** Runs a fragment over pinned shards; undefined is a pause, where others may run. Throws `unsupported_version` when it comes from a newer release. */
export function runFragment(
  fragment: Fragment,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<FragmentBlock | undefined> {
  if (fragment.version !== fragmentVersion)
    throw new DbError('unsupported_version', `query fragment version ${fragment.version}`);
  context.limitPoints(fragment.pointsMax ?? 0);
  return releasing(blocksOf(fragment, sources, context), context);
}

function* releasing(
  blocks: Generator<FragmentBlock | undefined>,
  context: FragmentContext,
): Generator<FragmentBlock | undefined> {
  try {
    yield* blocks;
  } finally {
    context.releaseGroups();
  }
}

function blocksOf(
  fragment: Fragment,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<FragmentBlock | undefined> {
  switch (fragment.task.kind) {
    case 'rows':
      return runRows(fragment, fragment.task, sources, context);
    case 'windows':
      return runWindows(fragment, fragment.task, sources, context);
    case 'costs':
      return runCosts(fragment, fragment.task, sources, context);
  }
}
