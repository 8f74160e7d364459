/**
 * `hints.json` in the folder of the node's catalog: what waited for whom as hinted handoff was closed. Files of a
 * queue that were cut or removed while the node was stopped, or whose disk is not mounted, say nothing of it by themselves (decision 141).
 *
 * Invariants:
 * - It speaks of the latest run alone: whoever has looked at what the queues have removes it, before anything else is queued or brought.
 * - One that cannot be read, or is not what was written, says nothing.
 */
import { readCheckedLine, writeCheckedLine } from '../codec/checked-line.ts';
import type { Disk } from '../env/disk.ts';
import type { Log } from '../env/log.ts';

/** Of one queue: numbers and bytes of its segments. */
export type QueueEnds = readonly (readonly [number: number, lengthBytes: number])[];

/** By node and shard. */
export type HintEnds = ReadonlyMap<string, QueueEnds>;

type EndsText = readonly [node: number, shard: number, segments: QueueEnds];

const fileName = 'hints.json';

export function queueName(nodeId: number, shardId: number): string {
  return `${nodeId}/${shardId}`;
}

/** Durable once it resolves; nothing is written where nothing waits. Throws what the disk says. */
export async function writeHintEnds(disk: Disk, folder: string, ends: HintEnds): Promise<void> {
  if (ends.size === 0) return;
  const all = [...ends].map(([name, segments]) => [...name.split('/').map(Number), segments]);
  await writeCheckedLine(disk, `${folder}/${fileName}`, all);
}

/** Reads and removes it. Throws what the disk says. */
export async function takeHintEnds(
  ports: { readonly disk: Disk; readonly log: Log },
  folder: string,
): Promise<HintEnds> {
  const { disk } = ports;
  const path = `${folder}/${fileName}`;
  const all = ((await readCheckedLine(ports, path)) ?? []) as readonly EndsText[];
  if ((await disk.size(path)) !== undefined) {
    await disk.remove(path);
    await disk.syncDir(folder);
  }
  return new Map(all.map(([nodeId, shardId, segments]) => [queueName(nodeId, shardId), segments])); // prettier-ignore
}
