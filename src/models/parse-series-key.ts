import type { Tag } from './series-key.ts';

export interface SeriesName {
  readonly measurement: string;
  /** In the order of the key, which is sorted. */
  readonly tags: readonly Tag[];
}

/** Takes a canonical series key apart; the inverse of `seriesKey`. */
export function parseSeriesKey(key: string): SeriesName {
  // Most keys escape nothing, and every query takes those of its series apart.
  if (!key.includes('\\')) return parsePlainKey(key);
  const [measurement = '', ...rest] = splitUnescaped(key, ',');
  const tags = rest.map((part) => {
    const [name = '', ...value] = splitUnescaped(part, '=');
    return { key: unescapeTag(name), value: unescapeTag(value.join('=')) };
  });
  return { measurement: measurement.replaceAll(/\\([, ])/g, '$1'), tags };
}

/** The value of one tag of a canonical series key, without a look at the others; undefined where the series lacks it. */
export function tagOfKey(key: string, tag: string): string | undefined {
  if (key.includes('\\') || tag === '' || tag.includes('=') || tag.includes(','))
    return parseSeriesKey(key).tags.findLast((one) => one.key === tag)?.value;
  // Nothing is escaped, so that a comma begins a tag wherever it stands.
  const at = key.lastIndexOf(`,${tag}=`);
  if (at < 0) return undefined;
  const start = at + tag.length + 2;
  const end = key.indexOf(',', start);
  return end < 0 ? key.slice(start) : key.slice(start, end);
}

function parsePlainKey(key: string): SeriesName {
  const [measurement = '', ...rest] = key.split(',');
  const tags = rest.map((part) => {
    const at = part.indexOf('=');
    return at < 0
      ? { key: part, value: '' }
      : { key: part.slice(0, at), value: part.slice(at + 1) };
  });
  return { measurement, tags };
}

function splitUnescaped(text: string, separator: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (let i = 0; i < text.length; i++) {
    // As in a line: also when the backslash before it has one before itself.
    if (text[i] !== separator || (i > start && text[i - 1] === '\\')) continue;
    parts.push(text.slice(start, i));
    start = i + 1;
  }
  parts.push(text.slice(start));
  return parts;
}

function unescapeTag(text: string): string {
  return text.replaceAll(/\\([, =])/g, '$1');
}
