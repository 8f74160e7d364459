import { Buffer } from 'node:buffer';
import { exactTextIn } from '../../../base/exact-text.ts';
import { sortTexts } from '../../../base/sort-texts.ts';
import { TextPile } from '../../../base/text-pile.ts';
import { compareSeriesKeys } from '../../../models/compare-series-keys.ts';
import type { QueryAccount } from '../../../query/run/query-account.ts';
import type { PackedList } from '../../engine/lists/packed-list.ts';
import type { TextRun } from '../../shards/merge-packed.ts';
import type { ListDocument } from './list-document.ts';
import type { SchemaReader } from './schema-reader.ts';

const comma = 44;
const equals = 61;
const backslash = 92;
const wordBytes = 4;
/** Keys that are written between two looks at the document. */
const keysAtOnce = 1_024;

/**
 * Series keys of a measurement, which come in the order of their bytes. Most often that is the one that is asked for: where two
 * neighbours tell otherwise all are sorted as texts.
 */
export class HeldKeys {
  readonly #account: QueryAccount;
  #pile = new TextPile();
  #heldBytes = 0;
  #isInOrder = true;

  constructor(account: QueryAccount) {
    this.#account = account;
  }

  /** Throws `limit_exceeded` where they are more than a query may hold. */
  add({ bytes, ends }: PackedList, { first, end }: TextRun): void {
    const pile = this.#pile;
    for (let i = first; i < end; i++) {
      pile.add(bytes, i === 0 ? 0 : (ends[i - 1] ?? 0), ends[i] ?? 0);
      if (this.#isInOrder && pile.count > 1) this.#isInOrder = isOrdered(pile, pile.count - 2);
    }
    const heldBytes = pile.bytes.length + pile.ends.length * wordBytes;
    if (heldBytes <= this.#heldBytes) return;
    this.#account.charge(heldBytes - this.#heldBytes);
    this.#heldBytes = heldBytes;
  }

  /** Writes them as rows and begins anew. */
  async *write(reader: SchemaReader, document: ListDocument): AsyncGenerator<undefined, void> {
    const pile = this.#pile;
    if (!this.#isInOrder) yield* this.#writeSorted(reader, document);
    else
      for (let i = 0; i < pile.count && !document.isPageDone; i++) {
        const writer = document.row();
        if (writer !== undefined) {
          writer.jsonBytes(pile.bytes, pile.start(i), pile.ends[i] ?? 0);
          document.endRow();
        }
        if ((i + 1) % keysAtOnce !== 0) continue;
        const turn = reader.rest();
        if (turn !== undefined) await turn;
        yield;
      }
    this.#pile.clear();
    this.#isInOrder = true;
  }

  async *#writeSorted(
    reader: SchemaReader,
    document: ListDocument,
  ): AsyncGenerator<undefined, void> {
    const pile = this.#pile;
    const texts: string[] = [];
    for (let i = 0; i < pile.count; i++) texts.push(textOf(pile, i));
    const sorting = sortTexts(texts, compareSeriesKeys);
    let step = sorting.next();
    for (; step.done !== true; step = sorting.next()) {
      const turn = reader.rest();
      if (turn !== undefined) await turn;
    }
    for (const [i, key] of step.value.entries()) {
      const writer = document.row();
      if (writer !== undefined) {
        writer.jsonString(key);
        document.endRow();
      }
      if ((i + 1) % keysAtOnce !== 0) continue;
      const turn = reader.rest();
      if (turn !== undefined) await turn;
      yield;
    }
  }

  /** Gives back what was charged. */
  clear(): void {
    this.#account.release(this.#heldBytes);
    this.#heldBytes = 0;
    this.#pile = new TextPile();
  }
}

/** Whether the key behind key i stands behind it as release 1.12.4 lists series; by its bytes it does. */
function isOrdered(pile: TextPile, i: number): boolean {
  const { bytes } = pile;
  let left = pile.start(i);
  const leftEnd = pile.ends[i] ?? 0;
  let right = leftEnd;
  while (left < leftEnd && bytes[left] === bytes[right]) {
    left++;
    right++;
  }
  if (left === leftEnd) return true;
  const isPlain = !isSyntax(bytes[left]) && !isSyntax(bytes[right]) && bytes[left - 1] !== backslash; // prettier-ignore
  return isPlain || compareSeriesKeys(textOf(pile, i), textOf(pile, i + 1)) < 0;
}

function isSyntax(code: number | undefined): boolean {
  return code === comma || code === equals || code === backslash;
}

function textOf({ bytes, ends }: TextPile, i: number): string {
  const start = i === 0 ? 0 : (ends[i - 1] ?? 0);
  return exactTextIn(Buffer.from(bytes.buffer, bytes.byteOffset + start, (ends[i] ?? 0) - start));
}
