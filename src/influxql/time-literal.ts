import type { TimeZone } from '../base/time-zone.ts';
import { secondNs } from '../base/units.ts';

const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:(?: +(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9})\d*)?)|(?:T(\d{1,2}):(\d{2}):(\d{2})(?:[.,](\d{1,9})\d*)?(Z|[+-]\d{2}:\d{2})))?$/;

/** Whether a text begins with a day: it is a point of time where one may stand, or none that is right. */
export function looksLikeTime(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}(?:[^\n]|$)/.test(text);
}

/**
 * A time in a string (spec 6.1): RFC3339 with up to nine digits of a second, `2006-01-02 15:04:05.999999999` or
 * `2006-01-02`, in `local` (UTC without one) where no offset is given. As Go reads them: an hour may have one digit, a comma may
 * stand for the point, more blanks for one. int64 nanoseconds; undefined when the text is no time.
 */
export function parseTimeLiteral(text: string, local?: TimeZone): bigint | undefined {
  const match = form.exec(text);
  if (match === null) return undefined;
  const [, year, month, day] = match;
  const zone = match[12];
  const [hour = '0', minute = '0', second = '0', fraction = ''] = match.slice(zone === undefined ? 4 : 8); // prettier-ignore
  const parts = [year, month, day, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = parts;
  const date = new Date(Date.UTC(y, mo - 1, d, h, mi, s));
  date.setUTCFullYear(y, mo - 1, d);
  // A date that does not exist rolls over: 02-30 becomes 03-02, and is refused here.
  if (date.getUTCMonth() !== mo - 1 || date.getUTCDate() !== d || h > 23 || mi > 59 || s > 59)
    return undefined;
  const offset = offsetSeconds(zone);
  if (offset === undefined) return undefined;
  const seconds = BigInt(date.getTime()) / 1000n - BigInt(offset);
  const timeNs = seconds * secondNs + BigInt(fraction.padEnd(9, '0'));
  if (zone !== undefined || local === undefined) return timeNs;
  // The offset of the wall clock's own time: asked once as if it were UTC, and again where that was the other side of a change.
  const guessNs = timeNs - local.offsetNs(timeNs);
  return timeNs - local.offsetNs(guessNs);
}

/** undefined: more than the reference takes for one. */
function offsetSeconds(zone: string | undefined): number | undefined {
  if (zone === undefined || zone === 'Z') return 0;
  const [hours = 0, minutes = 0] = zone.slice(1).split(':').map(Number);
  if (hours > 24 || minutes > 60) return undefined;
  return (zone.startsWith('-') ? -1 : 1) * (hours * 3600 + minutes * 60);
}
