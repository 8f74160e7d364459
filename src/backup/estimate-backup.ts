/**
 * `influxd-ctl backup -estimate`: what a backup would move, by what data nodes say of their shards; nothing is read and nothing
 * written. An upper bound: only the backup itself looks at the files of a shard whose node has begun anew since the one before.
 */
import type { ManifestShard } from './manifest.ts';
import { knownFirst, type PlannedShard, type ShardCopy } from './shard-plan.ts';

export interface Estimated {
  readonly metaBytes: number;
  readonly shards: readonly PlannedShard[];
  /** Of each shard what the place has already; empty for what takes all. */
  readonly known: ReadonlyMap<number, ManifestShard>;
  readonly stalenessNs: bigint | undefined;
}

/** The lines that say it. */
export function estimateOf({ metaBytes, shards, known, stalenessNs }: Estimated): string {
  const lines = [`Meta data: ${metaBytes} bytes`];
  let [total, count] = [metaBytes, 0];
  for (const { id, database, retentionPolicy, copies } of shards) {
    const before = known.get(id);
    const [copy] = knownFirst(copies, before?.node);
    // Of an owner that has said nothing it is not known that there is anything.
    if (copy === undefined || (copy.sizeBytes === 0 && !copy.isHot)) continue;
    if (before !== undefined && (isStale(before, copy, stalenessNs) || isUntouched(before, copy)))
      continue;
    count++;
    total += copy.sizeBytes;
    lines.push(`Node ${copy.node}, db ${database}, rp ${retentionPolicy}, shard ${id}: ${copy.sizeBytes} bytes`); // prettier-ignore
  }
  return [...lines, `Estimated: ${count} shards, ${total} bytes`, ''].join('\n');
}

/** The reference's rule, where it was asked for. */
export function isStale(
  { lastModified }: ManifestShard,
  { modifiedNs }: ShardCopy,
  stalenessNs: bigint | undefined,
): boolean {
  // 0: the node has not said when.
  return (
    stalenessNs !== undefined &&
    modifiedNs !== 0n &&
    BigInt(lastModified) + stalenessNs > modifiedNs
  );
}

/** The same node has not been written to since. */
function isUntouched({ node, lastModified }: ManifestShard, copy: ShardCopy): boolean {
  // Both as a manifest has it, which is to some hundreds of nanoseconds.
  return node === copy.node && copy.modifiedNs !== 0n && Number(copy.modifiedNs) <= lastModified;
}
