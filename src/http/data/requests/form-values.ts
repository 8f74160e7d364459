import { Buffer } from 'node:buffer';
import { exactTextIn } from '../../../base/exact-text.ts';

/**
 * The pairs of an address or a form as the reference reads them: a pair with a `;` or a broken escape is left out rather
 * than taken as it stands. The first value of a name counts. Texts have the bytes that were escaped, UTF-8 or not (decision 132).
 */
export function parseForm(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const pair of text.split('&')) {
    if (pair === '' || pair.includes(';')) continue;
    const at = pair.indexOf('=');
    const name = unescape(at < 0 ? pair : pair.slice(0, at));
    const value = unescape(at < 0 ? '' : pair.slice(at + 1));
    if (name === undefined || value === undefined || values.has(name)) continue;
    values.set(name, value);
  }
  return values;
}

function unescape(text: string): string | undefined {
  if (!text.includes('%') && !text.includes('+')) return text;
  if (/%(?![0-9a-fA-F]{2})/.test(text)) return undefined;
  const spaced = text.replaceAll('+', ' ');
  try {
    return decodeURIComponent(spaced);
  } catch {
    return exactTextIn(bytesOf(spaced));
  }
}

/** Of a text whose escapes are whole. */
function bytesOf(text: string): Buffer {
  const parts = text.split(/%([0-9a-fA-F]{2})/);
  return Buffer.concat(parts.map((part, i) => Buffer.from(part, i % 2 === 1 ? 'hex' : 'utf8')));
}
