/**
 * What a shard knows of its records of the log that are in files: with those that the log still has a start remembers what the run before
 * did (decision 144).
 *
 * Invariants:
 * - Of two marks the later one has the higher sequence and no earlier stamp.
 * - Marks that are let go of make the answers later than need be, and never earlier.
 */
import { noStamp, type Stamp } from '../../../models/stamp.ts';

export interface LogMarks {
  /** Records up to it are not this shard's: of one of the same id that is gone, or of a release that wrote no marks. */
  readonly after: number;
  /** Ascending: no record up to the sequence has a later stamp, nor has anything else that was here then. */
  readonly flushes: readonly FlushMark[];
}

export type FlushMark = readonly [sequence: number, latest: Stamp];

/** As JSON has them: stamps are decimal numbers. */
interface MarksText {
  readonly after: number;
  readonly flushes: readonly (readonly [sequence: number, latest: string])[];
}

/** Each 50 bytes of `shard.json`. Of flushes that follow each other in what the log keeps it takes as many. */
const flushesMax = 32;

interface MarkedShard {
  readonly logMarks?: LogMarks | undefined;
  readonly flushedSequence: number;
  readonly files: ReadonlyMap<string, unknown>;
}

/** As `shard.json` has them, or of one without. */
export function marksOf({ logMarks, flushedSequence, files }: MarkedShard): LogMarks {
  if (logMarks !== undefined) return logMarks;
  // Before the first record there was nothing.
  const isNew = flushedSequence === 0 && files.size === 0;
  return { after: flushedSequence, flushes: isNew ? [[0, noStamp]] : [] };
}

/** After a flush up to `sequence`. */
export function withFlush({ after, flushes }: LogMarks, [sequence, latest]: FlushMark): LogMarks {
  const earlier = flushes.filter(([of]) => of < sequence);
  return { after, flushes: [...earlier, [sequence, latest] as const].slice(-flushesMax) };
}

/** What has come otherwise than by the log may be later than all marks. */
export function withoutFlushes(marks: LogMarks): LogMarks {
  return { ...marks, flushes: [] };
}

/** No record up to `sequence` has a later stamp; undefined where nobody can tell. */
export function latestUpTo({ flushes }: LogMarks, sequence: number): Stamp | undefined {
  return flushes.find(([of]) => of >= sequence)?.[1];
}

export function marksText({ after, flushes }: LogMarks): MarksText {
  return { after, flushes: flushes.map(([sequence, latest]) => [sequence, String(latest)]) };
}

/** Undefined for what is no such text. */
export function readMarks(value: unknown): LogMarks | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { after, flushes } = value as Partial<MarksText>;
  if (!isSequence(after) || !Array.isArray(flushes) || !flushes.every(isFlush)) return undefined;
  return { after, flushes: flushes.map(([sequence, latest]) => [sequence, BigInt(latest)]) };
}

function isFlush(value: unknown): value is MarksText['flushes'][number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [sequence, latest] = value as readonly unknown[];
  return isSequence(sequence) && typeof latest === 'string' && /^-?\d{1,40}$/.test(latest);
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
