/**
 * Texts of messages whose bytes are no UTF-8 (base/exact-text.ts): a string of protobuf has to be UTF-8, and whoever reads another
 * refuses the message. So each such byte is a mark and the character of its number, and a mark that is meant is doubled. A node
 * of an older release takes it for another name, which it has not (decision 132).
 */

/** No text should have it: it is set aside for the use within programs. */
const mark = '\u{10ffff}';

export function wireTextOf(text: string): string {
  if (text.isWellFormed() && !text.includes(mark)) return text;
  const marked = text.replaceAll(/[\udc80-\udcff]|\u{10ffff}/gu, (one) =>
    one === mark ? mark + mark : mark + String.fromCharCode(one.charCodeAt(0) - 0xdc00),
  );
  return marked.toWellFormed();
}

export function textOfWire(text: string): string {
  if (!text.includes(mark)) return text;
  return text.replaceAll(/\u{10ffff}([\u0080-\u00ff\u{10ffff}])/gu, (_, one: string) =>
    one === mark ? mark : String.fromCharCode(0xdc00 + one.charCodeAt(0)),
  );
}
