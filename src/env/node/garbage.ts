/** When the garbage collector runs, as far as this process has a say in it. */
import { setFlagsFromString } from 'node:v8';

/**
 * Buffers lie outside of the heap: by V8's own counting each 32 MiB of them start a collection of all of it, though they go with
 * the next small one, and a node that passes on 100 MiB/s spends half of its processor time on that. With this they count as the
 * heap does, towards a limit that grows with what is kept. To be called before threads are started; a V8 that has no such flag
 * goes on as it was.
 */
export function countBuffersAsHeap(): void {
  setFlagsFromString('--external-memory-accounted-in-global-limit');
}
