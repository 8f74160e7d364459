/**
 * The delete that a shard is in the midst of, as `shard.json` has it. What follows from it: mark-delete.ts.
 */
import type { TimeRange } from '../../tsm/tombstones.ts';

export interface PendingDelete extends TimeRange {
  /** Says which series it means, in ASCII. */
  readonly filter: string;
  /** Names of the files that it goes through. */
  readonly files: readonly string[];
}

/** As shard.json has it: decimal numbers, the filter, then the files. */
type PendingText = readonly [
  minTimeNs: string,
  maxTimeNs: string,
  filter: string,
  ...files: string[],
];

export function pendingText({ minTimeNs, maxTimeNs, filter, files }: PendingDelete): PendingText {
  return [String(minTimeNs), String(maxTimeNs), filter, ...files];
}

/** Undefined for what is no such text. */
export function pendingOf(value: unknown): PendingDelete | undefined {
  if (!Array.isArray(value) || !value.every((part) => typeof part === 'string')) return undefined;
  const [minTimeNs = '', maxTimeNs = '', filter, ...files] = value;
  if (filter === undefined || ![minTimeNs, maxTimeNs].every((text) => /^-?\d{1,20}$/.test(text)))
    return undefined;
  return { minTimeNs: BigInt(minTimeNs), maxTimeNs: BigInt(maxTimeNs), filter, files };
}
