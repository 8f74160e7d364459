import { Buffer } from 'node:buffer';
import type { Column, StringValues } from './column.ts';

/**
 * A column with the same text in each row, as a tag is in the rows of a series; null in each without one. Its cells are made
 * for whoever asks for them: who writes rows writes the text.
 */
export class RepeatedText {
  readonly type = 'string';
  readonly text: Uint8Array | undefined;
  readonly #count: number;
  #values: StringValues | undefined;
  #valid: Uint8Array | undefined;

  constructor(text: Uint8Array | undefined, count: number) {
    this.text = text;
    this.#count = count;
  }

  get values(): StringValues {
    return (this.#values ??= repeat(this.text ?? new Uint8Array(0), this.#count));
  }

  get valid(): Uint8Array | undefined {
    return this.text === undefined ? (this.#valid ??= new Uint8Array(this.#count)) : undefined;
  }
}

/** Undefined for any other column. */
export function repeatedTextOf(column: Column): RepeatedText | undefined {
  return column instanceof RepeatedText ? column : undefined;
}

function repeat(text: Uint8Array, count: number): StringValues {
  const offsets = new Uint32Array(count + 1);
  for (let row = 1; row <= count; row++) offsets[row] = row * text.length;
  const bytes = new Uint8Array(count * text.length);
  if (bytes.length > 0) Buffer.from(bytes.buffer).fill(text);
  return { offsets, bytes };
}
