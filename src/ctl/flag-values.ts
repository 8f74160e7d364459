/** Values of a command's flags, with Go's texts for those that are none. */
import { quoteGo } from '../base/go-format.ts';
import { DbError } from '../base/errors.ts';
import type { Flags } from '../base/go-flags.ts';
import { parseTomlDurationNs } from '../config/toml-duration.ts';
import { parseTimeLiteral } from '../influxql/time-literal.ts';

export class FlagValues {
  readonly #values: Flags['values'];

  constructor({ values }: Flags) {
    this.#values = values;
  }

  text(flag: string, fallback = ''): string {
    const value = this.#values[flag];
    return typeof value === 'string' ? value : fallback;
  }

  has(flag: string): boolean {
    return this.#values[flag] !== undefined;
  }

  /** A whole number from 0 on. */
  count(flag: string, fallback: number): number {
    if (!this.has(flag)) return fallback;
    const value = Number(this.text(flag));
    if (/^\d+$/.test(this.text(flag)) && Number.isSafeInteger(value)) return value;
    throw this.#refused(flag);
  }

  /** Nanoseconds, from 0 on; undefined where it is not given. */
  durationNs(flag: string): bigint | undefined {
    if (!this.has(flag)) return undefined;
    try {
      const durationNs = parseTomlDurationNs(this.text(flag));
      if (durationNs >= 0n) return durationNs;
    } catch {
      // The text below says it.
    }
    throw this.#refused(flag);
  }

  /** RFC 3339, as nanoseconds since 1970; undefined where it is not given. */
  timeNs(flag: string): bigint | undefined {
    if (!this.has(flag)) return undefined;
    const timeNs = parseTimeLiteral(this.text(flag));
    if (timeNs !== undefined) return timeNs;
    throw this.#refused(flag);
  }

  #refused(flag: string): DbError {
    const text = `invalid value ${quoteGo(this.text(flag))} for flag -${flag}: parse error`;
    return new DbError('invalid_argument', text);
  }
}
