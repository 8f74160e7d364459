const space = /\p{White_Space}/u;

/**
 * A text without the white space at its ends, which is what Unicode calls so. JavaScript's own trim() takes a byte order mark for
 * some, and U+0085 for none.
 */
export function trimSpace(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && space.test(text.charAt(start))) start++;
  while (end > start && space.test(text.charAt(end - 1))) end--;
  return text.slice(start, end);
}
