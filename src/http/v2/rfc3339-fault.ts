import { Buffer } from 'node:buffer';

/** What Go's time.Parse says of a text that is no time in RFC3339. */
const layout = '2006-01-02T15:04:05.999999999Z07:00';

interface Element {
  readonly name: string;
  readonly form: RegExp;
  /** What may not be more than its maximum, nor less than `min`. */
  readonly range?: { readonly what: string; readonly min: number; readonly max: number };
}

const elements: readonly Element[] = [
  { name: '2006', form: /^\d{4}/ },
  { name: '-', form: /^-/ },
  { name: '01', form: /^\d{2}/, range: { what: 'month', min: 1, max: 12 } },
  { name: '-', form: /^-/ },
  { name: '02', form: /^\d{2}/ },
  { name: 'T', form: /^T/ },
  { name: '15', form: /^\d{1,2}/, range: { what: 'hour', min: 0, max: 23 } },
  { name: ':', form: /^:/ },
  { name: '04', form: /^\d{2}/, range: { what: 'minute', min: 0, max: 59 } },
  { name: ':', form: /^:/ },
  { name: '05', form: /^\d{2}/, range: { what: 'second', min: 0, max: 59 } },
  { name: '.999999999', form: /^(?:[.,]\d+)?/ },
  { name: 'Z07:00', form: /^(?:Z|[+-]\d{2}:\d{2})/ },
];

/** The text is none; of one that is its last day may be wrong, or the hours of its offset. */
export function rfc3339Fault(text: string): string {
  const head = `parsing time ${quoted(text)}`;
  let rest = text;
  for (const { name, form, range } of elements) {
    const [part] = form.exec(rest) ?? [];
    if (part === undefined)
      return `${head} as "${layout}": cannot parse ${quoted(rest)} as "${name}"`;
    if (range !== undefined && (Number(part) < range.min || Number(part) > range.max))
      return `${head}: ${range.what} out of range`;
    if (name === 'Z07:00' && Number(part.slice(1, 3)) > 24)
      return `${head}: time zone offset hour out of range`;
    if (name === 'Z07:00' && Number(part.slice(4)) > 60)
      return `${head}: time zone offset minute out of range`;
    rest = rest.slice(part.length);
  }
  return rest === '' ? `${head}: day out of range` : `${head}: extra text: ${quoted(rest)}`;
}

/** As Go's package time quotes: byte by byte. */
function quoted(text: string): string {
  const signs = Array.from(Buffer.from(text), (byte) => {
    if (byte < 0x20 || byte >= 0x80) return `\\x${byte.toString(16).padStart(2, '0')}`;
    const sign = String.fromCharCode(byte);
    return sign === '"' || sign === '\\' ? `\\${sign}` : sign;
  });
  return `"${signs.join('')}"`;
}
