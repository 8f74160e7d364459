import type { FragmentContext } from '../../src/query/exec/context.ts';
import { runFragment, type FragmentBlock } from '../../src/query/exec/run-fragment.ts';
import type { Fragment } from '../../src/query/fragment.ts';
import type { ShardSource } from '../../src/query/source.ts';

/** The blocks of a fragment, without the pauses between them. */
export function* blocksOf(
  fragment: Fragment,
  sources: readonly ShardSource[],
  context: FragmentContext,
): Generator<FragmentBlock, undefined> {
  for (const block of runFragment(fragment, sources, context)) if (block !== undefined) yield block;
  return undefined;
}
