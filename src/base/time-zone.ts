import { secondNs } from './units.ts';

/**
 * Offsets of IANA time zones, from the tables that the runtime carries. Asking costs a microsecond or two, so that answers
 * are kept per quarter of an hour, and per second of a quarter at whose ends they differ: St. John's changed at one minute
 * past midnight.
 */
export class TimeZone {
  readonly name: string;
  readonly #format: Intl.DateTimeFormat;
  /** Offset by second since 1970, of starts of quarters of an hour and of seconds within those that have a change. */
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
    const quarter = Math.floor(seconds / quarterSeconds) * quarterSeconds;
    const offset = this.#offsetAt(quarter);
    return this.#offsetAt(quarter + quarterSeconds) === offset ? offset : this.#offsetAt(seconds);
  }

  offsetNs(timeNs: bigint): bigint {
    return BigInt(this.offsetSeconds(timeNs)) * secondNs;
  }

  #offsetAt(seconds: number): number {
    const known = this.#known.get(seconds);
    if (known !== undefined) return known;
    if (this.#known.size >= answersMax) this.#known.clear();
    const offset = this.#ask(seconds);
    this.#known.set(seconds, offset);
    return offset;
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

const quarterSeconds = 900;
const answersMax = 100_000;

function floorDivide(value: bigint, by: bigint): number {
  const whole = value / by;
  return Number(value % by < 0n ? whole - 1n : whole);
}
