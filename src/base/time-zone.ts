import { secondNs } from './units.ts';

/**
 * Offsets of IANA time zones, from the tables that the runtime carries. Asking costs a microsecond or two, so that answers
 * are kept per quarter of an hour: no zone has changed its offset elsewhere since 1970.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offset by quarter of an hour since 1970. */
  readonly #known = new Map<number, number>();

  constructor(name: string) {
    this.name = name;
    this.#format = new Intl.DateTimeFormat('en-US', {
      timeZone: name,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  }

  /** Seconds east of UTC at a time. */
  offsetSeconds(timeNs: bigint): number {
    const seconds = floorDivide(timeNs, secondNs);
    const quarter = Math.floor(seconds / 900);
    const known = this.#known.get(quarter);
    if (known !== undefined) return known;
    if (this.#known.size >= quartersMax) this.#known.clear();
    const offset = this.#ask(quarter * 900);
    this.#known.set(quarter, offset);
    return offset;
  }

  offsetNs(timeNs: bigint): bigint {
    return BigInt(this.offsetSeconds(timeNs)) * secondNs;
  }

  #ask(seconds: number): number {
    const parts = new Map(
      this.#format.formatToParts(seconds * 1000).map(({ type, value }) => [type, value]),
    );
    const number = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type) ?? 0);
    const year = parts.get('era') === 'BC' ? 1 - number('year') : number('year');
    const date = new Date(0);
    date.setUTCFullYear(year, number('month') - 1, number('day'));
    date.setUTCHours(number('hour'), number('minute'), number('second'));
    return date.getTime() / 1000 - seconds;
  }
}

const quartersMax = 100_000;

function floorDivide(value: bigint, by: bigint): number {
  const whole = value / by;
  return Number(value % by < 0n ? whole - 1n : whole);
}
