/**
 * Blocks of a fragment, gathered into batches for their way to the other thread: a message has its price however small it
 * is, and so has each buffer that moves. Small columns are copied side by side into shared buffers, large ones move as
 * they are.
 */
import type { FragmentBlock } from './shard-access.ts';

export interface BlockBatch {
  readonly blocks: readonly FragmentBlock[];
  readonly buffers: readonly ArrayBuffer[];
}

const batchBytesMax = 262_144;
const batchBlocksMax = 512;
/** The first of a batch is small, as most answers are. */
const slabBytesFirst = 4_096;
const slabBytesMax = 65_536;
const smallBytesMax = 8_192;

/** `isDue` is asked after each block: a batch that took long enough goes as it is. */
export function* batchBlocks(
  blocks: Iterable<FragmentBlock | undefined>,
  isDue: () => boolean,
): Generator<BlockBatch> {
  let packer = new ColumnPacker();
  let batch: FragmentBlock[] = [];
  for (const block of blocks) {
    if (block === undefined) {
      // A pause: what there is goes once the time is up, even if that is nothing.
      if (!isDue()) continue;
    } else batch.push(packer.pack(block) as FragmentBlock);
    if (packer.sizeBytes < batchBytesMax && batch.length < batchBlocksMax && !isDue()) continue;
    yield { blocks: batch, buffers: packer.buffers };
    packer = new ColumnPacker();
    batch = [];
  }
  if (batch.length > 0) yield { blocks: batch, buffers: packer.buffers };
}

type Column = Uint8Array | Uint32Array | Float64Array | BigInt64Array | BigUint64Array;

class ColumnPacker {
  readonly #buffers = new Set<ArrayBuffer>();
  #slab = new ArrayBuffer(0);
  #slabTop = 0;
  sizeBytes = 0;

  get buffers(): readonly ArrayBuffer[] {
    return [...this.#buffers];
  }

  /** The same tree of plain data, its columns where they travel. */
  pack(value: unknown): unknown {
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) return value.map((part) => this.pack(part));
    if (ArrayBuffer.isView(value)) return this.#place(value as Column);
    const packed: Record<string, unknown> = {};
    for (const [key, part] of Object.entries(value)) packed[key] = this.pack(part);
    return packed;
  }

  #place(column: Column): Column {
    const { byteLength, byteOffset, buffer, BYTES_PER_ELEMENT: width } = column;
    this.sizeBytes += byteLength;
    if (byteLength > smallBytesMax) {
      this.#buffers.add(buffer as ArrayBuffer);
      return column;
    }
    if (this.#slabTop + byteLength > this.#slab.byteLength) {
      const lengthBytes = this.#slab.byteLength === 0 ? slabBytesFirst : slabBytesMax;
      this.#slab = new ArrayBuffer(Math.max(lengthBytes, byteLength));
      this.#slabTop = 0;
      this.#buffers.add(this.#slab);
    }
    const at = this.#slabTop;
    new Uint8Array(this.#slab, at, byteLength).set(new Uint8Array(buffer, byteOffset, byteLength));
    this.#slabTop = (at + byteLength + 7) & ~7;
    const Kind = column.constructor as new (
      buffer: ArrayBuffer,
      offset: number,
      length: number,
    ) => Column;
    return new Kind(this.#slab, at, byteLength / width);
  }
}
