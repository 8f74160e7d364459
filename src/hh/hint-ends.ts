/**
 * `hints.json` in the folder of the node's catalog: what waited for whom as hinted handoff was closed, and how far it had been brought. Files of
 * a queue that were cut or removed while the node was stopped, or whose disk is not mounted, say nothing of it by themselves (decision 141).
 *
 * Invariants:
 * - It speaks of the latest run alone: whoever has looked at what the queues have removes it, before anything else is queued or brought.
 * - One that cannot be read, or is not what was written, says nothing.
 */
import { readCheckedLine, writeCheckedLine } from '../codec/checked-line.ts';
import type { Disk } from '../env/disk.ts';

/** Of one queue. */
export interface QueueEnds {
  /** Up to where the first of its segments was brought. */
  readonly offset: number;
  /** Numbers and bytes. */
  readonly segments: readonly (readonly [number: number, lengthBytes: number])[];
}

/** By node and shard. */
export type HintEnds = ReadonlyMap<string, QueueEnds>;

type EndsText = readonly [
  node: number,
  shard: number,
  offset: number,
  segments: QueueEnds['segments'],
];

const fileName = 'hints.json';

export function queueName(nodeId: number, shardId: number): string {
  return `${nodeId}/${shardId}`;
}

/** Durable once it resolves; nothing is written where nothing waits. Throws what the disk says. */
export async function writeHintEnds(disk: Disk, folder: string, ends: HintEnds): Promise<void> {
  if (ends.size === 0) return;
  const all = [...ends].map(([name, { offset, segments }]) => {
    const [nodeId, shardId] = name.split('/').map(Number);
    return [nodeId, shardId, offset, segments];
  });
  await writeCheckedLine(disk, `${folder}/${fileName}`, all);
}

/** Reads and removes it. Throws what the disk says. */
export async function takeHintEnds(disk: Disk, folder: string): Promise<HintEnds> {
  const path = `${folder}/${fileName}`;
  const all = ((await readCheckedLine(disk, path)) ?? []) as readonly EndsText[];
  if ((await disk.size(path)) !== undefined) {
    await disk.remove(path);
    await disk.syncDir(folder);
  }
  return new Map(all.map(([nodeId, shardId, offset, segments]) => [queueName(nodeId, shardId), { offset, segments }])); // prettier-ignore
}
