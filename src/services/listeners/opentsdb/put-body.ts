/**
 * Bodies of OpenTSDB's `/api/put` (spec F129), an object or a list of them, made to lines of line protocol. As with the reference all
 * of a body has to be read before any of it counts, what follows its first value is passed over, and keys are known in any case.
 */
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { MiB } from '../../../base/units.ts';
import { Byte, textOf } from '../../../models/line-bytes.ts';
import { canBegin, canStand, floatText, isStorableTime, keyFault, PointFault, pushAscii, pushName, pushTagText } from '../point-line.ts'; // prettier-ignore
import { JsonFault, JsonScan } from './json-scan.ts';

const openBracket = 91;
const closeBracket = 93;
const openBrace = 123;
/** From which number on times are milliseconds. */
const millisecondsFrom = 10_000_000_000n;
const int64Max = (1n << 63n) - 1n;
/** Of a point within a list. */
const pointDepth = 2;
/** Of one point, which is read without a rest: keys that can be stored are shorter by far. */
const pointBytesMax = MiB;
const noBytes = new Uint8Array(0);

interface Tag {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

export class PutBody {
  readonly lines = new GrowingBytes();
  readonly #scan: JsonScan;
  readonly #dropped: (name: string, reason: string) => void;
  readonly #isList: boolean;
  #hasBegun = false;

  /** `dropped` is told of what can be no point. The first byte is that of an object or a list. */
  constructor(bytes: Uint8Array, dropped: (name: string, reason: string) => void) {
    this.#scan = new JsonScan(bytes);
    this.#dropped = dropped;
    this.#isList = bytes[0] === openBracket;
  }

  static canBegin(byte: number | undefined): boolean {
    return byte === openBrace || byte === openBracket;
  }

  /** The reference's text for a body that is no JSON, or has other things in it. */
  get faultText(): string {
    return this.#isList ? 'json array decode error' : 'json object decode error';
  }

  /** Reads one point more. False: there is none. Throws JsonFault. */
  readNext(): boolean {
    const scan = this.#scan;
    const isFirst = !this.#hasBegun;
    this.#hasBegun = true;
    if (!this.#isList) {
      if (isFirst) this.#readPoint();
      return false;
    }
    if (isFirst) scan.at++;
    if (scan.peek() === closeBracket && isFirst) return false;
    if (!isFirst && !scan.take(Byte.comma)) {
      if (scan.take(closeBracket)) return false;
      throw new JsonFault('no comma');
    }
    this.#readPoint();
    return true;
  }

  #readPoint(): void {
    const scan = this.#scan;
    let metric: Uint8Array = noBytes;
    let time = 0n;
    let value = 0;
    const tags = new Map<string, Tag>();
    scan.endMax = scan.at + pointBytesMax;
    if (!scan.takeNull())
      scan.object((key) => {
        // As Go folds cases: the long s is an s.
        const name = textOf(key, 0, key.length).toLowerCase().replaceAll('ſ', 's');
        const isKnown = ['metric', 'timestamp', 'value', 'tags'].includes(name);
        if (!isKnown) scan.skip(pointDepth);
        else if (scan.takeNull()) {
          if (name === 'tags') tags.clear();
        } else if (name === 'metric') metric = scan.string();
        else if (name === 'timestamp') time = readTime(scan.number());
        else if (name === 'value') value = readValue(scan.number());
        else readTags(scan, tags);
      });
    this.#push(metric, { time, value, tags });
  }

  #push(
    metric: Uint8Array,
    { time, value, tags }: { readonly time: bigint; readonly value: number; readonly tags: ReadonlyMap<string, Tag> }, // prettier-ignore
  ): void {
    const { lines } = this;
    const before = lines.lengthBytes;
    let isGood = canBegin(metric, 0, metric.length) && canStand(metric, 0, metric.length);
    pushName(lines, metric, 0, metric.length);
    for (const { key, value: text } of tags.values()) {
      // As in the reference's keys.
      if (text.length === 0) continue;
      isGood &&= key.length > 0 && canStand(key, 0, key.length) && canStand(text, 0, text.length);
      lines.u8(Byte.comma);
      pushTagText(lines, key, 0, key.length);
      lines.u8(Byte.equals);
      pushTagText(lines, text, 0, text.length);
    }
    const timeNs = time < millisecondsFrom ? time * 1_000_000_000n : (time / 1_000n) * 1_000_000_000n + (time % 1_000n) * 1_000n; // prettier-ignore
    const timeFault = isStorableTime(timeNs) ? undefined : PointFault.time;
    const fault = (isGood ? timeFault : PointFault.name) ?? keyFault(lines.lengthBytes - before, 'value'.length); // prettier-ignore
    if (fault === undefined) pushAscii(lines, ` value=${floatText(value)} ${timeNs}\n`);
    else {
      lines.lengthBytes = before;
      this.#dropped(textOf(metric, 0, metric.length), fault);
    }
  }
}

function readTags(scan: JsonScan, tags: Map<string, Tag>): void {
  scan.object((key) => {
    const value = scan.takeNull() ? noBytes : scan.string();
    tags.set(textOf(key, 0, key.length), { key, value });
  });
}

function readTime(text: string): bigint {
  if (!/^-?\d+$/.test(text)) throw new JsonFault('no whole number');
  // Longer ones are out of range, and would take long to read.
  const time = text.length > 20 ? int64Max + 1n : BigInt(text);
  if (time > int64Max || time < -int64Max - 1n) throw new JsonFault('out of range');
  return time;
}

function readValue(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value)) throw new JsonFault('out of range');
  return value;
}
