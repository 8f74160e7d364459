import type { LinesTask } from './lines/route-lines.ts';
import { homeOf } from './engine-tasks.ts';

type Times = Pick<LinesTask, 'groups' | 'defaultTimeNs'>;

/** The worker that holds the shard which takes points of now, or else the latest; undefined where there is none. */
export function homeOfNow(
  { groups, defaultTimeNs }: Times,
  workerCount: number,
): number | undefined {
  const current =
    groups.find(({ startNs, endNs }) => startNs <= defaultTimeNs && defaultTimeNs < endNs) ??
    groups[groups.length - 1];
  const [shardId] = current?.shardIds ?? [];
  return shardId === undefined ? undefined : homeOf(shardId, workerCount);
}
