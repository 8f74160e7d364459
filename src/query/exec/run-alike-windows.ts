/**
 * Windows of fragments that are alike but for their measurement, one after the other: series of measurements one behind the other are
 * added together where they are few of each, as series of one are (group-runs.ts). Twin: runWindows() for each of them, which
 * takes what is left to it here.
 */
import type { Fragment, WindowsBlock, WindowsTask } from '../fragment.ts';
import { fragmentEnd } from '../fragment-run.ts';
import type { ShardSource } from '../source.ts';
import type { FragmentContext } from './context.ts';
import { runSeriesMax } from './fold-members.ts';
import { groupSeries, type FoundGroups, type Group } from './groups.ts';
import type { GroupRuns } from './group-runs.ts';
import { groupRuns, hasWindows, isUniform, planOfMeasurement, runWindows, summarizeGroup, windowsPlan, type Plan } from './run-windows.ts'; // prettier-ignore

export type AlikeBlock = WindowsBlock | typeof fragmentEnd | undefined;

/** A measurement whose groups wait for those of the next ones. */
interface Waiting {
  readonly plan: Plan;
  readonly groups: readonly Group[];
}

/** Blocks of the first, its end, blocks of the next; undefined for a pause. */
export function* runAlikeWindows(
  fragments: readonly Fragment[],
  task: WindowsTask,
  sources: readonly ShardSource[],
  contextOf: () => FragmentContext,
): Generator<AlikeBlock> {
  const [first] = fragments;
  const context = contextOf();
  const plan = first && windowsPlan(first, task, sources);
  const runs =
    plan && task.windowsMax === undefined ? groupRuns(plan, sources, context) : undefined;
  const alone = function* (fragment: Fragment, found?: FoundGroups): Generator<AlikeBlock> {
    const own = contextOf();
    own.limitPoints(fragment.pointsMax ?? 0);
    if (found !== undefined) own.knows(found);
    yield* runWindows(fragment, task, sources, own);
    own.releaseGroups();
    yield fragmentEnd;
  };
  if (plan === undefined || runs === undefined) {
    for (const fragment of fragments) yield* alone(fragment);
    return;
  }
  try {
    const room = new Room(runs);
    for (const fragment of fragments) {
      const groups = yield* groupSeries(fragment, sources, context);
      const own = fragment === first ? plan : planOfMeasurement(plan, fragment);
      const canWait = isUniform(own, sources) && room.couldTake(groups);
      if (!canWait || !room.takes(groups)) yield* together(room.take(), runs, context);
      if (canWait) {
        context.groupsFound(groups);
        room.add({ plan: own, groups });
      } else yield* alone(fragment, { of: fragment, groups });
    }
    yield* together(room.take(), runs, context);
  } finally {
    if (context.kernel !== undefined) plan.tables.release(context.kernel);
    runs.release();
    context.releaseGroups();
  }
}

function* together(
  waiting: readonly Waiting[],
  runs: GroupRuns,
  context: FragmentContext,
): Generator<AlikeBlock> {
  const all = waiting.flatMap(({ groups }) => groups);
  const names = waiting.map(({ plan }) => plan.fragment.measurement);
  const areSmall = all.length > 1 && runs.countFrom(all, 0) === all.length;
  const known = areSmall ? yield* runs.summarize(all, names, context) : [];
  let at = 0;
  for (const { plan, groups } of waiting) {
    for (const group of groups) {
      context.check();
      const block = known[at++] ?? (yield* summarizeGroup(plan, group, context));
      if (hasWindows(block)) yield block;
    }
    yield fragmentEnd;
  }
  context.releaseGroups();
}

/** Measurements that are added together: no more groups than share a table, nor series than are added at once. */
class Room {
  readonly #groupsMax: number;
  #waiting: Waiting[] = [];
  #groupCount = 0;
  #seriesCount = 0;

  constructor({ groupsMax }: GroupRuns) {
    this.#groupsMax = groupsMax;
  }

  /** Once it is empty. */
  couldTake(groups: readonly Group[]): boolean {
    return groups.length <= this.#groupsMax && seriesOf(groups) <= runSeriesMax;
  }

  takes(groups: readonly Group[]): boolean {
    return (
      this.#groupCount + groups.length <= this.#groupsMax &&
      this.#seriesCount + seriesOf(groups) <= runSeriesMax
    );
  }

  add(one: Waiting): void {
    this.#waiting.push(one);
    this.#groupCount += one.groups.length;
    this.#seriesCount += seriesOf(one.groups);
  }

  take(): readonly Waiting[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    [this.#groupCount, this.#seriesCount] = [0, 0];
    return waiting;
  }
}

function seriesOf(groups: readonly Group[]): number {
  return groups.reduce((sum, { members }) => sum + members.length, 0);
}
