import { exactBytesOf } from '../base/exact-text.ts';
import { copyBytes } from '../base/copy-bytes.ts';
import { paddedTo8 } from './batch-reader.ts';
import {
  pointBatchHeaderBytes,
  pointBatchMagic,
  type BatchColumn,
  type TextColumn,
} from './point-batch.ts';

export function textColumn(texts: readonly string[]): TextColumn {
  return joinTexts(texts.map((text) => exactBytesOf(text)));
}

export function joinTexts(parts: readonly Uint8Array[]): TextColumn {
  const offsets = new Uint32Array(parts.length + 1);
  parts.forEach((part, i) => {
    offsets[i + 1] = (offsets[i] ?? 0) + part.length;
  });
  const bytes = new Uint8Array(offsets[parts.length] ?? 0);
  parts.forEach((part, i) => {
    bytes.set(part, offsets[i] ?? 0);
  });
  return { offsets, bytes };
}

type Part =
  | { readonly bytes: Uint8Array }
  | { readonly lengthBytes: number; readonly fill: () => Uint8Array };

/** Gives at least so many bytes. */
export type LendBytes = (lengthBytes: number) => Uint8Array;

/** Shared, so that it goes from thread to thread and back without being copied; nobody changes it any more once it has its stamp. */
export function newShared(lengthBytes: number): Uint8Array {
  return new Uint8Array(new SharedArrayBuffer(lengthBytes));
}

export interface BatchHeader {
  readonly rowCount: number;
  readonly seriesCount: number;
  readonly shapeCount: number;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

/** Writes the parts of a point batch one after the other, each aligned as its page says. */
export class BatchWriter {
  readonly #parts: Part[] = [];
  #lengthBytes = 0;

  bytes(bytes: Uint8Array): void {
    this.#parts.push({ bytes });
    this.#lengthBytes += bytes.length;
  }

  /** A column of so many bytes that `fill` answers once its place is known; what it answers is copied at once. */
  filledColumn(lengthBytes: number, fill: () => Uint8Array): void {
    this.#parts.push({ lengthBytes, fill });
    this.#lengthBytes += lengthBytes;
    this.align();
  }

  header({ rowCount, seriesCount, shapeCount, minTimeNs, maxTimeNs }: BatchHeader): void {
    const header = new Uint8Array(pointBatchHeaderBytes);
    const view = new DataView(header.buffer);
    [pointBatchMagic, rowCount, seriesCount, shapeCount].forEach((word, i) => {
      view.setUint32(i * 4, word, true);
    });
    view.setBigInt64(16, minTimeNs, true);
    view.setBigInt64(24, maxTimeNs, true);
    this.bytes(header);
  }

  align(): void {
    this.bytes(new Uint8Array(paddedTo8(this.#lengthBytes) - this.#lengthBytes));
  }

  u32s(values: readonly number[] | Uint32Array, isPadded: boolean): void {
    const words = values instanceof Uint32Array ? values : Uint32Array.from(values);
    this.bytes(new Uint8Array(words.buffer, words.byteOffset, words.byteLength));
    if (isPadded) this.align();
  }

  texts(texts: readonly string[]): void {
    this.align();
    this.column(textColumn(texts));
  }

  column(column: BatchColumn): void {
    if ('offsets' in column) {
      this.u32s(column.offsets, true);
      this.bytes(column.bytes);
    } else {
      this.bytes(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
    }
    this.align();
  }

  /** The batch, at the start of what `lend` gives for so many bytes. */
  finish(lend: LendBytes = newShared): Uint8Array {
    const all = lend(this.#lengthBytes).subarray(0, this.#lengthBytes);
    let at = 0;
    for (const part of this.#parts) {
      const bytes = 'bytes' in part ? part.bytes : part.fill();
      copyBytes(all, bytes, at);
      at += bytes.length;
    }
    return all;
  }
}
