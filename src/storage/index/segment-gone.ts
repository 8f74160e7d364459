/**
 * `NNNNNNNNN.gone` beside a segment: which of its series have no points any more, and of which measurements its fields no
 * longer count. Only ever more of both: a series that comes again is in a later segment. u32 magic, u32 CRC-32 of the rest,
 * varint count and numbers of series, ascending, as differences, likewise measurements. Replaced as a whole.
 */
import { crc32 } from 'node:zlib';
import { BytesCursor, GrowingBytes } from '../../base/growing-bytes.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import type { Slices } from '../../env/slices.ts';
import { GoneSeries } from './gone-series.ts';
import { segmentSuffix } from './segment-format.ts';

const magic = 0x31474956;
const headBytes = 8;
/** Numbers between two looks at the clock. */
const writtenAtOnce = 4_096;

export const goneSuffix = '.gone';

export function gonePath(segmentPath: string): string {
  return segmentPath.slice(0, -segmentSuffix.length) + goneSuffix;
}

export class SegmentGone {
  readonly series = new GoneSeries();
  readonly measurements = new Set<number>();

  /** Throws `corrupt` with the path. */
  static async read(
    disk: Disk,
    segmentPath: string,
    counts: { readonly series: number; readonly measurements: number },
  ): Promise<SegmentGone> {
    const path = gonePath(segmentPath);
    const gone = new SegmentGone();
    const bytes = await readIfThere(disk, path);
    if (bytes === undefined) return gone;
    const cursor = new BytesCursor(bytes);
    const isWhole = cursor.u32() === magic && cursor.u32() === crc32(bytes.subarray(headBytes));
    if (!isWhole || bytes.length < headBytes) throw new DbError('corrupt', `${path}: the checksum does not match`); // prettier-ignore
    for (const number of numbersOf(cursor)) if (number < counts.series) gone.series.add(number);
    for (const number of numbersOf(cursor))
      if (number < counts.measurements) gone.measurements.add(number);
    return gone;
  }

  /** Nothing is to come to it meanwhile. */
  async write(disk: Disk, segmentPath: string, slices: Slices): Promise<void> {
    const rest = new GrowingBytes();
    await putNumbers(rest, { count: this.series.count, numbers: this.series.ids() }, slices);
    const numbers = [...this.measurements].sort((a, b) => a - b);
    await putNumbers(rest, { count: numbers.length, numbers }, slices);
    const out = new GrowingBytes(rest.lengthBytes + headBytes);
    out.u32(magic);
    out.u32(crc32(rest.view()));
    out.push(rest.view());
    await disk.replaceFile(gonePath(segmentPath), out.view());
  }
}

function* numbersOf(cursor: BytesCursor): Generator<number> {
  const count = cursor.varint();
  let number = 0;
  for (let i = 0; i < count && !cursor.isOver; i++) {
    number += cursor.varint();
    yield number;
  }
}

async function putNumbers(
  out: GrowingBytes,
  { count, numbers }: { readonly count: number; readonly numbers: Iterable<number> },
  slices: Slices,
): Promise<void> {
  out.varint(count);
  let last = 0;
  let written = 0;
  for (const number of numbers) {
    out.varint(number - last);
    last = number;
    if (++written % writtenAtOnce === 0) await slices.next();
  }
}

async function readIfThere(disk: Disk, path: string): Promise<Uint8Array | undefined> {
  try {
    return await disk.readFile(path);
  } catch (error) {
    if (isDbError(error, 'not_found')) return undefined;
    throw error;
  }
}
