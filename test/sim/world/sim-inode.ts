import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { FaultKind } from './faults.ts';

/** What a file system writes as one piece when it overwrites. */
const sectorBytes = 512;

export interface CrashOptions {
  readonly random: Random;
  /** How often the kept part of an unsynced tail ends in zeros: length on disk, data not. */
  readonly zeroTailRate: number;
  readonly strike: (kind: FaultKind) => void;
}

/** What a sync that began will make durable when it ends. */
export interface SyncMark {
  readonly version: number;
  readonly length: number;
  readonly image: Uint8Array | undefined;
}

/**
 * The bytes of a file as the page cache has them, and what of them is on the platter.
 * - Without an image, [0, syncedLength) of the cache is durable.
 * - An overwrite or a truncation below what is durable, or about to be, first keeps that in the image.
 */
export class SimInode {
  #data = new Uint8Array(0);
  #length = 0;
  #syncedLength = 0;
  #image: Uint8Array | undefined;
  #version = 0;
  #syncedVersion = 0;
  /** End of what running syncs will make durable. */
  #syncingLength = 0;

  get length(): number {
    return this.#length;
  }

  read(offset: number, into: Uint8Array): number {
    const count = Math.max(0, Math.min(into.length, this.#length - offset));
    into.set(this.#data.subarray(offset, offset + count));
    return count;
  }

  bytes(): Uint8Array {
    return this.#data.slice(0, this.#length);
  }

  write(offset: number, bytes: Uint8Array): void {
    if (bytes.length === 0) return;
    this.#keepImage(offset);
    const end = offset + bytes.length;
    this.#reserve(end);
    this.#data.set(bytes, offset);
    this.#length = Math.max(this.#length, end);
    this.#version++;
  }

  truncate(length: number): void {
    this.#keepImage(Math.min(length, this.#length));
    this.#reserve(length);
    if (length < this.#length) this.#data.fill(0, length, this.#length);
    this.#length = length;
    this.#version++;
  }

  beginSync(): SyncMark {
    this.#syncingLength = Math.max(this.#syncingLength, this.#length);
    const image = this.#image === undefined ? undefined : this.bytes();
    return { version: this.#version, length: this.#length, image };
  }

  endSync(mark: SyncMark): void {
    if (mark.version < this.#syncedVersion) return;
    this.#syncedVersion = mark.version;
    this.#syncedLength = mark.length;
    if (mark.image !== undefined) {
      this.#image = mark.version === this.#version ? undefined : mark.image;
    }
    if (mark.version === this.#version) this.#syncingLength = 0;
  }

  /** Turns one bit over, on the platter and in the cache. False for an empty file. */
  flipBit(random: Random): boolean {
    if (this.#length === 0) return false;
    const index = below(random, this.#length);
    const mask = 1 << below(random, 8);
    this.#data[index] = (this.#data[index] ?? 0) ^ mask;
    if (this.#image !== undefined && index < this.#image.length) {
      this.#image[index] = (this.#image[index] ?? 0) ^ mask;
    }
    return true;
  }

  /** Power loss: what was synced stays; of the rest any beginning, or any mixture of sectors where it overwrote. */
  crash(options: CrashOptions): void {
    if (this.#image === undefined) this.#cutTail(options);
    else this.#mixSectors(this.#image, options);
    this.#syncedLength = this.#length;
    this.#image = undefined;
    this.#syncingLength = 0;
    this.#version++;
    this.#syncedVersion = this.#version;
  }

  #cutTail({ random, zeroTailRate, strike }: CrashOptions): void {
    const unsynced = this.#length - this.#syncedLength;
    if (unsynced <= 0) return;
    const kept = below(random, unsynced + 1);
    if (kept < unsynced) strike('lost_unsynced');
    if (kept > 0 && kept < unsynced) strike('torn_write');
    const end = this.#syncedLength + kept;
    this.#data.fill(0, end, this.#length);
    this.#length = end;
    if (kept > 0 && fraction(random) < zeroTailRate) {
      this.#data.fill(0, this.#syncedLength + below(random, kept), end);
      strike('zero_tail');
    }
  }

  #mixSectors(image: Uint8Array, { random, strike }: CrashOptions): void {
    const old = image.subarray(0, this.#syncedLength);
    const fresh = this.bytes();
    const shorter = Math.min(old.length, fresh.length);
    const longer = Math.max(old.length, fresh.length);
    const length = shorter + below(random, longer - shorter + 1);
    const mixed = new Uint8Array(length);
    mixed.set((old.length > fresh.length ? old : fresh).subarray(0, length));
    for (let start = 0; start < shorter; start += sectorBytes) {
      const source = fraction(random) < 0.5 ? old : fresh;
      mixed.set(source.subarray(start, Math.min(start + sectorBytes, shorter)), start);
    }
    strike('torn_write');
    this.#data = mixed;
    this.#length = length;
  }

  #keepImage(changeFrom: number): void {
    const kept = Math.max(this.#syncedLength, this.#syncingLength);
    if (this.#image === undefined && changeFrom < kept) this.#image = this.#data.slice(0, kept);
  }

  #reserve(end: number): void {
    if (end <= this.#data.length) return;
    const grown = new Uint8Array(Math.max(end, 2 * this.#data.length, 256));
    grown.set(this.#data.subarray(0, this.#length));
    this.#data = grown;
  }
}
