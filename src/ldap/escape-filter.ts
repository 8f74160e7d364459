/** A value that stands for itself in a filter, whatever it holds (RFC 4515, 3). */
export function escapeFilterValue(value: string): string {
  return value.replaceAll(/[\0()*\\]/g, (one) => `\\${one.charCodeAt(0).toString(16).padStart(2, '0')}`); // prettier-ignore
}

/** Each `%s`, which the reference's documents also print as `%%s`, is the value. */
export function fillFilter(filter: string, value: string): string {
  const escaped = escapeFilterValue(value);
  return filter.replaceAll(/%?%s/g, () => escaped);
}
