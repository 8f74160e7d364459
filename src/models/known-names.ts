/**
 * The names of a batch, and its shapes by them. Those of a batch of many shapes are remembered: who writes a thousand measurements
 * writes the same again, and a text that is the same object is found in a map without a look at its letters, a shape that is the same
 * object by who has seen it not looked up at all.
 */
import { Buffer } from 'node:buffer';
import { exactTextOf } from '../base/exact-text.ts';
import { bytesOf } from '../base/copy-bytes.ts';
import type { TextColumn } from './batch-columns.ts';
import { layoutBytesOf, type BatchLayout } from './batch-layout.ts';
import { damagedBatch } from './batch-reader.ts';
import { FieldType } from './field-value.ts';
import { ShapeName, type FieldList } from './shape-names.ts';

/** Of a measurement, remembered. */
const shapesOfOneMax = 8;
/** About what a shape and a list take in the heap, and each of their fields. */
const shapeBytes = 160;
const shapeFieldBytes = 8;
const listBytes = 200;
const listFieldBytes = 64;

export class KnownNames {
  readonly #column: TextColumn;
  readonly #texts: readonly string[];
  readonly #lists = new Map<string, FieldList>();
  /** By number of the measurement: the shape that it had last, and all that it had lately. */
  readonly #last: (ShapeName | undefined)[] = [];
  readonly #shapes: (ShapeName[] | undefined)[] = [];
  #heldBytes = 0;
  #layout: BatchLayout | undefined;

  constructor(column: TextColumn) {
    this.#column = column;
    this.#texts = textsOf(column);
  }

  get lengthBytes(): number {
    return this.#column.bytes.length;
  }

  /** About what all shapes and lists of fields take that were asked for: the same few names make any number of lists. */
  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** How the batch before lay, if the next one may lie the same way. */
  get layout(): BatchLayout | undefined {
    return this.#layout;
  }

  keepLayout(layout: BatchLayout): void {
    this.#heldBytes += layoutBytesOf(layout) - (this.#layout ? layoutBytesOf(this.#layout) : 0);
    this.#layout = layout;
  }

  isOf({ offsets, bytes }: TextColumn): boolean {
    const own = this.#column;
    return own.bytes.length === bytes.length && own.offsets.length === offsets.length && isSame(own.bytes, bytes) && isSame(bytesOf(own.offsets), bytesOf(offsets)); // prettier-ignore
  }

  /** The shape whose fields are `words[from, end)`. */
  shape(measurement: number, words: Uint32Array, from: number, end: number): ShapeName {
    const last = this.#last[measurement];
    if (last !== undefined && end - from === 1 && last.sole === words[from]) return last;
    return (this.#last[measurement] = this.#find(measurement, words, from, end));
  }

  #find(measurement: number, words: Uint32Array, from: number, end: number): ShapeName {
    const name = this.#nameOf(measurement);
    const known = (this.#shapes[measurement] ??= []);
    for (let i = 0; i < known.length; i++) {
      const one = known[i];
      if (one !== undefined && isList(one.packed, words, from, end)) return one;
    }
    const packed = Array.from(words.subarray(from, end));
    const shape = new ShapeName(name, this.#list(packed), packed);
    if (known.length === shapesOfOneMax) this.#heldBytes -= heldBytesOf(known.shift());
    known.push(shape);
    this.#heldBytes += heldBytesOf(shape);
    return shape;
  }

  #list(packed: readonly number[]): FieldList {
    const key = packed.join();
    const known = this.#lists.get(key);
    if (known !== undefined) return known;
    const fields = packed.map((one) => ({
      name: this.#nameOf(one & 0xffffff),
      type: fieldType(one >>> 24),
    }));
    const list = { fields, hasTexts: fields.some(({ type }) => type === FieldType.string) };
    this.#lists.set(key, list);
    this.#heldBytes += listBytes + packed.length * listFieldBytes;
    return list;
  }

  #nameOf(number: number): string {
    const name = this.#texts[number];
    if (name === undefined) throw damagedBatch();
    return name;
  }
}

function heldBytesOf(shape: ShapeName | undefined): number {
  return shape === undefined ? 0 : shapeBytes + shape.packed.length * shapeFieldBytes;
}

function isList(packed: readonly number[], words: Uint32Array, from: number, end: number): boolean {
  if (packed.length !== end - from) return false;
  for (let i = 0; i < packed.length; i++) if (packed[i] !== words[from + i]) return false;
  return true;
}

/** Names of batches of fewer shapes are read anew. */
const rememberedShapesMin = 16;
const rememberedMax = 16;
const rememberedBytesMax = 1 << 20;
/** Of shapes and lists of all that are remembered: of one field each these are those of 190,000 measurements. */
const heldBytesMax = 32 << 20;
/** Of this thread, the one that was met last first. */
const remembered: KnownNames[] = [];

export function namesIn(column: TextColumn, shapeCount: number): KnownNames {
  if (shapeCount < rememberedShapesMin) return new KnownNames(column);
  forgetSome();
  const at = remembered.findIndex((names) => names.isOf(column));
  const [known] = at < 0 ? [] : remembered.splice(at, 1);
  // What it came from is somebody's memory.
  const names = known ?? new KnownNames({ offsets: column.offsets.slice(), bytes: column.bytes.slice() }); // prettier-ignore
  if (names.lengthBytes <= rememberedBytesMax) remembered.unshift(names);
  if (remembered.length > rememberedMax) remembered.pop();
  return names;
}

/** What lies longest, until the rest is not too much: maybe all. */
function forgetSome(): void {
  let heldBytes = 0;
  for (let i = 0; i < remembered.length; i++) heldBytes += remembered[i]?.heldBytes ?? 0;
  while (heldBytes > heldBytesMax) heldBytes -= remembered.pop()?.heldBytes ?? 0;
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}

function textsOf({ offsets, bytes }: TextColumn): readonly string[] {
  const all = exactTextOf(bytes);
  // Where each character is one byte: a call for each name costs more than the name.
  const isPlain = all.length === bytes.length;
  const textOf = (from: number, to: number): string =>
    isPlain ? all.slice(from, to) : exactTextOf(bytes.subarray(from, to));
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    textOf(offsets[i] ?? 0, offsets[i + 1] ?? 0),
  );
}

function fieldType(code: number): FieldType {
  if (code > FieldType.unsigned) throw damagedBatch();
  return code as FieldType;
}
