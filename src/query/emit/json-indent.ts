import type { Buffer } from 'node:buffer';
import { ByteWriter } from './byte-writer.ts';

/** The same document indented by four spaces, as `pretty=true` asks; a line break at the end is kept. */
export function indentJson(compact: Uint8Array): Buffer {
  return new JsonIndent().write(compact);
}

/** Indents a document that comes in parts; a text or a number is never cut between two. */
export class JsonIndent {
  #depth = 0;
  /** A bracket was opened and what comes next is not known: what holds nothing stays on its line. */
  #isOpening = false;

  write(compact: Uint8Array): Buffer {
    const writer = new ByteWriter(compact.length * 2);
    for (let i = 0; i < compact.length; i++) {
      const code = compact[i] ?? 0;
      const closes = code === 125 || code === 93;
      if (closes) this.#depth--;
      if (this.#isOpening !== closes) this.#breakLine(writer);
      this.#isOpening = code === 123 || code === 91;
      if (this.#isOpening) this.#depth++;
      if (code === 34) {
        const end = stringEnd(compact, i);
        writer.raw(compact, i, end);
        i = end - 1;
      } else if (code === 58) writer.ascii(': ');
      else writer.byte(code);
      if (code === 44) this.#breakLine(writer);
    }
    return writer.take();
  }

  #breakLine(writer: ByteWriter): void {
    writer.byte(10);
    for (let i = 0; i < this.#depth; i++) writer.ascii('    ');
  }
}

function stringEnd(bytes: Uint8Array, start: number): number {
  let i = start + 1;
  while (i < bytes.length && bytes[i] !== 34) i += bytes[i] === 92 ? 2 : 1;
  return i + 1;
}
