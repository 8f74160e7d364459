/**
 * A share of an answer: what one worker answers of a SELECT where others answer for other groups (decision 98). Its document is
 * as it would be alone; beside it stands which groups it may have, and where in each part the series of a group are, so that
 * the documents of all become one without being read.
 */
import { createHash } from 'node:crypto';
import { DbError } from '../../../base/errors.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import type { OutputSeries } from '../../../query/emit/result.ts';
import { compareGroups, type GroupKey } from '../../../query/fragment.ts';
import { decodeMessage, encodeMessage } from '../../../rpc/message.ts';

/** Beside the bytes of a part. */
export interface PartShare {
  /** With the first part: a ShareHead as encodeShareHead() has it. */
  readonly head?: Uint8Array | undefined;
  /** Of each series with bytes in the part, in order: its group's place among those of the head, where it begins and ends. */
  readonly spans: Uint32Array;
  /** Of a share without groups, as long as there are no series but those of this version, at any time. Said to this node alone. */
  readonly emptyAt?: number | undefined;
}

export interface ShareHead {
  /** Stands for the schemas that it was planned by: shares of others are of the same plan; '' for none. */
  readonly planned: string;
  /** All that it may have rows of, in order: no other share may have one of them. */
  readonly groups: readonly GroupKey[];
  /** There are too many of them to be told: none are. */
  readonly isTooMany?: boolean;
}

/** Numbers for each series of a part. */
export const spanNumbers = 3;
/** More than so many groups are answered the general way. */
const groupsMax = 65_536;
/** Of a head: names of groups may be of any length. */
const headBytesMax = 4_194_304;

export function encodeShareHead(head: ShareHead): Uint8Array {
  const bytes = head.groups.length > groupsMax ? undefined : encodeMessage(head);
  if (bytes !== undefined && bytes.length <= headBytesMax) return bytes;
  return encodeMessage({ planned: head.planned, groups: [], isTooMany: true });
}

/** Throws `corrupt` for what no worker says, of groups in the direction of a statement, too. */
export function decodeShareHead(bytes: Uint8Array, ascending: boolean): ShareHead {
  const { planned, groups, isTooMany } = (decodeMessage(bytes) ?? {}) as Partial<Record<string, unknown>>; // prettier-ignore
  if (typeof planned !== 'string' || !isGroups(groups)) throw corrupt('has no groups');
  const sign = ascending ? 1 : -1;
  for (let i = 1; i < groups.length; i++)
    if (sign * compareGroups(groups[i - 1] ?? [], groups[i] ?? []) >= 0)
      throw corrupt('has groups out of order');
  return isTooMany === true ? { planned, groups, isTooMany } : { planned, groups };
}

/** Throws `corrupt` for spans that are not within a part of so many bytes, one behind the other, of groups one behind the other. */
export function checkSpans(spans: Uint32Array, groupCount: number, lengthBytes: number): void {
  let [group, end] = [-1, 0];
  for (let i = 0; i < spans.length; i += spanNumbers) {
    const [at = 0, start = 0, next = 0] = spans.subarray(i, i + spanNumbers);
    if (at <= group || at >= groupCount || start < end || next < start || next > lengthBytes)
      throw corrupt('has series that are not in it');
    [group, end] = [at, next];
  }
  if (spans.length % spanNumbers !== 0) throw corrupt('has series without an end');
}

const marks = new WeakMap<readonly MeasurementSchema[], string>();

/** Equal for equal schemas, on whatever node. */
export function schemasMark(schemas: readonly MeasurementSchema[]): string {
  if (schemas.length === 0) return '';
  const known = marks.get(schemas);
  if (known !== undefined) return known;
  const plain = schemas.map(({ name, fields, tagKeys }) => [name, [...fields].sort(byName), [...tagKeys].sort()]); // prettier-ignore
  const mark = createHash('sha256').update(JSON.stringify(plain)).digest('hex');
  marks.set(schemas, mark);
  return mark;
}

function byName([left]: readonly [string, unknown], [right]: readonly [string, unknown]): number {
  return left < right ? -1 : 1;
}

/** What a worker notes of a share as it writes it. */
export class ShareNotes {
  readonly #planned: string;
  /** As it was before anything was read; undefined where no groups at another time would not mean none at this one. */
  readonly #seriesVersion: number | undefined;
  #groups: readonly GroupKey[] = [];
  #isFound = false;
  #spans: number[] = [];
  /** The place of the series that is written. */
  #at = 0;
  #isHeadTaken = false;

  constructor(planned: string, seriesVersion?: number) {
    this.#planned = planned;
    this.#seriesVersion = seriesVersion;
    // Without a measurement there is nothing to look for.
    this.#isFound = planned === '';
  }

  /** Told once for each part of the plan, before any of their series is written. */
  found(groups: readonly GroupKey[], ascending: boolean): void {
    this.#isFound = true;
    this.#groups = this.#groups.length === 0 ? groups : united(this.#groups, groups, ascending);
  }

  /** The series of a group has bytes in the part at hand, from one place to another. */
  wrote({ tags = [] }: OutputSeries, startBytes: number, endBytes: number): void {
    const isOf = (key: GroupKey | undefined): boolean => key?.length === tags.length && tags.every(([, value], i) => value === key[i]); // prettier-ignore
    while (this.#at < this.#groups.length && !isOf(this.#groups[this.#at])) this.#at++;
    if (this.#at === this.#groups.length)
      throw new DbError('internal', 'a series is of no group of its share');
    const spans = this.#spans;
    if (spans.at(-spanNumbers) === this.#at) spans[spans.length - 1] = endBytes;
    else spans.push(this.#at, startBytes, endBytes);
  }

  take(): PartShare {
    const spans = Uint32Array.from(this.#spans);
    this.#spans = [];
    if (this.#isHeadTaken) return { spans };
    this.#isHeadTaken = true;
    const head = encodeShareHead({ planned: this.#planned, groups: this.#groups });
    const isEmpty = this.#isFound && this.#groups.length === 0;
    return { head, spans, ...(isEmpty && { emptyAt: this.#seriesVersion }) };
  }
}

/** Both in order, each group once. */
function united(
  left: readonly GroupKey[],
  right: readonly GroupKey[],
  ascending: boolean,
): readonly GroupKey[] {
  const sign = ascending ? 1 : -1;
  return [...left, ...right]
    .sort((a, b) => sign * compareGroups(a, b))
    .filter((key, i, all) => i === 0 || compareGroups(key, all[i - 1] ?? []) !== 0);
}

function isGroups(value: unknown): value is readonly GroupKey[] {
  return Array.isArray(value) && value.every((key) => Array.isArray(key) && key.every((one) => typeof one === 'string')); // prettier-ignore
}

function corrupt(what: string): DbError {
  return new DbError('corrupt', `share of an answer: it ${what}`);
}
