/** What Go's time package says of a text that is no time in RFC3339; undefined for one that is. */
import { quoteGo } from '../../../base/go-format.ts';

/** In order, by their names in Go's layout. */
const elements: readonly (readonly [name: string, pattern: RegExp])[] = [
  ['2006', /^\d{4}/],
  ['-', /^-/],
  ['01', /^\d\d/],
  ['-', /^-/],
  ['02', /^\d\d/],
  ['T', /^T/],
  ['15', /^\d\d?/],
  [':', /^:/],
  ['04', /^\d\d/],
  [':', /^:/],
  ['05', /^\d\d(?:[.,]\d+)?/],
  ['Z07:00', /^(?:Z|[+-]\d\d:\d\d)/],
];
const layout = '2006-01-02T15:04:05Z07:00';

export function wrongTime(text: string): string | undefined {
  const head = `parsing time ${quoteGo(text)}`;
  const found: Record<string, string> = {};
  let rest = text;
  for (const [name, pattern] of elements) {
    const [part] = pattern.exec(rest) ?? [];
    if (part === undefined)
      return `${head} as ${quoteGo(layout)}: cannot parse ${quoteGo(rest)} as ${quoteGo(name)}`;
    found[name] = part;
    const beyond = rangeOf(name, part);
    if (beyond !== undefined) return `${head}: ${beyond} out of range`;
    rest = rest.slice(part.length);
  }
  if (rest !== '') return `${head}: extra text: ${quoteGo(rest)}`;
  const [year, month, day] = ['2006', '01', '02'].map((name) => Number(found[name]));
  const last = new Date(Date.UTC(year ?? 0, month ?? 0, 0)).getUTCDate();
  return day === undefined || day < 1 || day > last ? `${head}: day out of range` : undefined;
}

/** What of a part is more than it may be, as it is read. */
function rangeOf(name: string, part: string): string | undefined {
  const value = Number.parseInt(part, 10);
  if (name === '01' && (value < 1 || value > 12)) return 'month';
  if (name === '15' && value > 23) return 'hour';
  if (name === '04' && value > 59) return 'minute';
  if (name === '05' && value > 59) return 'second';
  if (name !== 'Z07:00' || part === 'Z') return undefined;
  if (Number(part.slice(1, 3)) > 24) return 'time zone offset hour';
  return Number(part.slice(4)) > 60 ? 'time zone offset minute' : undefined;
}
