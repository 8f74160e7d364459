/**
 * The names of a batch, each once, and its shapes by the numbers of their names there. A name is known by a number that holds
 * for many batches, so that a batch of a thousand measurements looks none of them up.
 */
import { exactBytesOf } from '../../../base/exact-text.ts';
import type { BatchField, TextColumn } from '../../../models/point-batch.ts';

export interface NamedShapes {
  readonly names: TextColumn;
  /** Of each shape what a batch says of it behind its count of rows: measurement, count of fields, and the fields. */
  readonly words: Uint32Array;
}

/** So many batches' names are kept: who writes a thousand measurements writes the same again and again. */
const namedMax = 8;
/** Of all of them: two batches of 100,000 measurements each, or eight of fewer. */
const namedBytesMax = 8 << 20;

interface Named {
  readonly shapeIds: Uint32Array;
  readonly named: NamedShapes;
}

/** The names of batches that came lately, by their shapes. */
export class NamedBefore {
  /** The one that was asked for last first. */
  readonly #all: Named[] = [];
  #bytes = 0;

  /** `heads` has two words for each shape, its id being the first. */
  find(heads: Uint32Array): NamedShapes | undefined {
    const at = this.#all.findIndex(({ shapeIds }) => areShapes(shapeIds, heads));
    const found = this.#all[at];
    if (found === undefined) return undefined;
    if (at > 0) {
      this.#all.splice(at, 1);
      this.#all.unshift(found);
    }
    return found.named;
  }

  add(heads: Uint32Array, named: NamedShapes): NamedShapes {
    const shapeIds = heads.filter((_, i) => i % 2 === 0);
    const bytes = bytesOf({ shapeIds, named });
    if (bytes > namedBytesMax) return named;
    this.#all.unshift({ shapeIds, named });
    this.#bytes += bytes;
    while (this.#all.length > namedMax || this.#bytes > namedBytesMax) this.#forgetLast();
    return named;
  }

  clear(): void {
    this.#all.length = 0;
    this.#bytes = 0;
  }

  #forgetLast(): void {
    const last = this.#all.pop();
    if (last !== undefined) this.#bytes -= bytesOf(last);
  }
}

function bytesOf({ shapeIds, named: { names, words } }: Named): number {
  const { bytes, offsets } = names;
  return shapeIds.byteLength + bytes.byteLength + offsets.byteLength + words.byteLength;
}

function areShapes(shapeIds: Uint32Array, heads: Uint32Array): boolean {
  if (shapeIds.length * 2 !== heads.length) return false;
  for (let i = 0; i < shapeIds.length; i++) if (shapeIds[i] !== heads[i * 2]) return false;
  return true;
}

/** begin(), add() of each shape, end(). */
export class BatchNames {
  readonly #ids = new Map<string, number>();
  /** By their ids. */
  readonly #bytes: Uint8Array[] = [];
  /** By their ids: the batch that a name was numbered for last, and its number there. */
  readonly #batches: number[] = [];
  readonly #numbers: number[] = [];
  #batch = 0;
  /** Ids of the names of the batch at hand. */
  #listed: number[] = [];
  #words: number[] = [];

  /** The number of a name among all that were asked for. */
  idOf(name: string): number {
    const known = this.#ids.get(name);
    if (known !== undefined) return known;
    const id = this.#bytes.length;
    this.#ids.set(name, id);
    this.#bytes.push(exactBytesOf(name));
    this.#batches.push(0);
    this.#numbers.push(0);
    return id;
  }

  begin(): void {
    this.#batch++;
    this.#listed = [];
    this.#words = [];
  }

  /** A shape: the ids of its measurement's name and of the names of its fields. */
  add(nameIds: readonly number[], fields: readonly BatchField[]): void {
    this.#words.push(this.#numberOf(nameIds[0] ?? 0), fields.length);
    for (let i = 0; i < fields.length; i++)
      this.#words.push(
        (((fields[i]?.type ?? 0) << 24) | this.#numberOf(nameIds[i + 1] ?? 0)) >>> 0,
      );
  }

  end(): NamedShapes {
    const offsets = new Uint32Array(this.#listed.length + 1);
    let lengthBytes = 0;
    this.#listed.forEach((id, number) => {
      lengthBytes += this.#bytes[id]?.length ?? 0;
      offsets[number + 1] = lengthBytes;
    });
    const bytes = new Uint8Array(lengthBytes);
    this.#listed.forEach((id, number) => {
      bytes.set(this.#bytes[id] ?? [], offsets[number]);
    });
    return { names: { offsets, bytes }, words: Uint32Array.from(this.#words) };
  }

  #numberOf(id: number): number {
    if (this.#batches[id] !== this.#batch) {
      this.#batches[id] = this.#batch;
      this.#numbers[id] = this.#listed.length;
      this.#listed.push(id);
    }
    return this.#numbers[id] ?? 0;
  }
}
