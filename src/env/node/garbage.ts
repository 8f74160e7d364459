/**
 * Has the young generation collected once so many bytes of buffers have come and gone. Buffers lie outside of V8's heap, and by
 * its own counting each 32 MiB of them start a collection of the whole heap, though they would go with the next small one: a
 * node that passes on 100 MiB/s spent half of its processor time on that. A small one costs a fraction of a millisecond.
 *
 * - Of one thread: what makes buffers on another has one of its own.
 * - Synchronous, so it is done where no buffer of the caller has to be in the way.
 */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { MiB } from '../../base/units.ts';

export type Collect = (options: { readonly type: 'minor' | 'major' }) => void;

/** Half of what has V8 collect everything. */
const passedBytesMax = 4 * MiB;

export class YoungGarbage {
  readonly #bytesMax: number;
  readonly #find: () => Collect;
  #collect: Collect | undefined;
  #passedBytes = 0;

  constructor(bytesMax = passedBytesMax, find = findCollect) {
    this.#bytesMax = bytesMax;
    this.#find = find;
  }

  /** So many bytes were allocated for what is over soon. */
  passed(lengthBytes: number): void {
    this.#passedBytes += lengthBytes;
    if (this.#passedBytes < this.#bytesMax) return;
    this.#passedBytes = 0;
    this.#collect ??= this.#find();
    this.#collect({ type: 'minor' });
  }
}

/** Contexts that are made after the flag is set have the function; a V8 without it goes on as it was. */
export function findCollect(): Collect {
  setFlagsFromString('--expose-gc');
  const found: unknown = runInNewContext('globalThis.gc');
  setFlagsFromString('--no-expose-gc');
  return typeof found === 'function' ? (found as Collect) : () => undefined;
}
