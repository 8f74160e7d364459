/**
 * The pairs of an address or a form as the reference reads them: a pair with a `;` or a broken escape is left out rather
 * than taken as it stands. The first value of a name counts.
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
    // Escapes of bytes that are no UTF-8: the reference keeps the bytes, our text has replacement characters.
    return new URLSearchParams(`x=${text}`).get('x') ?? '';
  }
}
