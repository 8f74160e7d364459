/**
 * Memory of the parts of a long answer, used in turn. What is allocated for each part costs more than the part: the collector
 * counts memory that is not its own, on both threads, and collects all there is for it.
 *
 * Invariant: the reader of part `n` has asked for part `n - slots + 2` or one behind it when the memory of part `n - slots`
 * is written again, as a stream runs `aheadMax` replies ahead of its reader at most (env/engine-host.ts): part `n` is made
 * before there is leave to send it, when `aheadMax` are on their way, and one is in the reader's hands.
 */
import { KiB, MiB } from '../../../base/units.ts';

const slotBytesMin = 128 * KiB;
/** Longer parts have memory of their own: texts may be of any length. */
const slotBytesMax = MiB;

export class PartRing {
  readonly #slotCount: number;
  readonly #slots: SharedArrayBuffer[] = [];
  #count = 0;

  /** `aheadMax` is that of the stream which the parts leave by. */
  constructor(aheadMax: number) {
    this.#slotCount = aheadMax + 2;
  }

  /** A copy of the part that is to be sent next; undefined for one that is too long. */
  copyOf(part: Uint8Array): Uint8Array<SharedArrayBuffer> | undefined {
    if (part.length > slotBytesMax) return undefined;
    const at = this.#count++ % this.#slotCount;
    let slot = this.#slots[at];
    if (slot === undefined || slot.byteLength < part.length) {
      slot = new SharedArrayBuffer(Math.max(slotBytesMin, 2 ** Math.ceil(Math.log2(part.length))));
      this.#slots[at] = slot;
    }
    const bytes = new Uint8Array(slot, 0, part.length);
    bytes.set(part);
    return bytes;
  }
}
