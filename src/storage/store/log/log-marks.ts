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
  /** First and last of records, ascending, that were not taken, as the disk failed: the log may have them all the same. */
  readonly failed?: readonly FailedRecords[] | undefined;
}

export type FailedRecords = readonly [first: number, last: number];

export type FlushMark = readonly [sequence: number, latest: Stamp];

/** As JSON has them: stamps are decimal numbers. */
interface MarksText {
  readonly after: number;
  readonly flushes: readonly (readonly [sequence: number, latest: string])[];
  readonly failed?: readonly FailedRecords[];
}

/** Each 50 bytes of `shard.json`. Of flushes that follow each other in what the log keeps it takes as many. */
const flushesMax = 32;
/** A disk that is full fails all of a time, which are one. */
const failedMax = 64;

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

/** After a flush up to `sequence`; `failed` are records of this run that were not taken. */
export function withFlush(
  { after, flushes, failed: known = [] }: LogMarks,
  [sequence, latest]: FlushMark,
  failed: readonly FailedRecords[],
): LogMarks {
  const earlier = flushes.filter(([of]) => of < sequence);
  const knownUpTo = Math.max(after, ...known.map(([, last]) => last));
  // One that is not behind it yet may go on.
  const more = failed.filter(([first, last]) => first > knownUpTo && last <= sequence);
  return {
    after,
    flushes: [...earlier, [sequence, latest] as const].slice(-flushesMax),
    failed: atMost([...known, ...more]),
  };
}

/** With one more that was not taken, behind those before it. */
export function withFailed(
  failed: readonly FailedRecords[],
  sequence: number,
): readonly FailedRecords[] {
  const latest = failed.at(-1);
  if (latest?.[1] === sequence - 1) return [...failed.slice(0, -1), [latest[0], sequence]];
  return atMost([...failed, [sequence, sequence]]);
}

/** Of more the first are as one: what was taken in between is remembered by no start. */
function atMost(failed: readonly FailedRecords[]): readonly FailedRecords[] {
  const [first, ...others] = failed;
  const merged = others[failed.length - failedMax - 1];
  if (first === undefined || merged === undefined) return failed;
  return [[first[0], merged[1]], ...others.slice(failed.length - failedMax)];
}

/** Whether a record was not taken, though the log has it. */
export function hasFailed({ failed = [] }: LogMarks, sequence: number): boolean {
  return failed.some(([first, last]) => first <= sequence && sequence <= last);
}

/** What has come otherwise than by the log may be later than all marks. */
export function withoutFlushes(marks: LogMarks): LogMarks {
  return { ...marks, flushes: [] };
}

/** No record up to `sequence` has a later stamp; undefined where nobody can tell. */
export function latestUpTo({ flushes }: LogMarks, sequence: number): Stamp | undefined {
  return flushes.find(([of]) => of >= sequence)?.[1];
}

export function marksText({ after, flushes, failed = [] }: LogMarks): MarksText {
  const text = { after, flushes: flushes.map(([sequence, latest]) => [sequence, String(latest)] as const) }; // prettier-ignore
  return failed.length === 0 ? text : { ...text, failed };
}

/** Undefined for what is no such text. */
export function readMarks(value: unknown): LogMarks | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { after, flushes, failed = [] } = value as Partial<MarksText>;
  if (!isSequence(after) || !Array.isArray(flushes) || !flushes.every(isFlush)) return undefined;
  if (!Array.isArray(failed) || !failed.every(isFailed)) return undefined;
  return {
    after,
    flushes: flushes.map(([sequence, latest]) => [sequence, BigInt(latest)]),
    failed,
  };
}

function isFlush(value: unknown): value is MarksText['flushes'][number] {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [sequence, latest] = value as readonly unknown[];
  return isSequence(sequence) && typeof latest === 'string' && /^-?\d{1,40}$/.test(latest);
}

function isFailed(value: unknown): value is FailedRecords {
  return Array.isArray(value) && value.length === 2 && value.every(isSequence);
}

function isSequence(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
