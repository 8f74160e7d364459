import { compareUtf8 } from '../base/compare-utf8.ts';
import { parseSeriesKey } from './parse-series-key.ts';

const comma = 44;
const equals = 61;
const backslash = 92;

/**
 * Orders canonical keys as release 1.12.4 lists series: by measurement, then tag by tag, the bytes of the key before those of
 * the value, fewer tags first. By their own bytes keys are in another order where a name or a value begins another one and what
 * follows sorts before the separator, or is escaped: `m,host1=x` before `m,host=x`.
 */
export function compareSeriesKeys(left: string, right: string): number {
  const length = Math.min(left.length, right.length);
  let at = 0;
  while (at < length && left.charCodeAt(at) === right.charCodeAt(at)) at++;
  // One that begins the other ends within the last value, or before a tag that the other has besides.
  if (at === length) return left.length - right.length;
  const isEscaped = at > 0 && left.charCodeAt(at - 1) === backslash;
  const isPlain = !isSyntax(left.charCodeAt(at)) && !isSyntax(right.charCodeAt(at));
  return isPlain && !isEscaped ? compareUtf8(left, right) : compareParsed(left, right);
}

function isSyntax(code: number): boolean {
  return code === comma || code === equals || code === backslash;
}

function compareParsed(left: string, right: string): number {
  const [a, b] = [parseSeriesKey(left), parseSeriesKey(right)];
  const byName = compareUtf8(a.measurement, b.measurement);
  if (byName !== 0) return byName;
  const count = Math.min(a.tags.length, b.tags.length);
  for (let i = 0; i < count; i++) {
    const [one, other] = [a.tags[i], b.tags[i]];
    const order = compareUtf8(one?.key ?? '', other?.key ?? '') || compareUtf8(one?.value ?? '', other?.value ?? ''); // prettier-ignore
    if (order !== 0) return order;
  }
  return a.tags.length - b.tags.length;
}

/** Whether series with these tag keys may stand in another order than that of their keys' bytes, whatever their values. */
export function areKeysAmbiguous(tagKeys: Iterable<string>): boolean {
  const sorted = [...tagKeys].sort(compareUtf8);
  return sorted.some((key, i) => {
    const next = sorted[i + 1] ?? '';
    return /[,= \\]/.test(key) || (next.startsWith(key) && next.charCodeAt(key.length) < equals);
  });
}
