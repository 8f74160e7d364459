import process from 'node:process';

let last: NodeJS.MemoryUsage = { rss: 0, heapTotal: 0, heapUsed: 0, external: 0, arrayBuffers: 0 };

/**
 * What this process, and the heap of this thread, take. Node opens a file of /proc for it, and throws where the process may open no more:
 * then it is what was last known. Looked at by a timer, that ended a node that had run out of descriptors.
 */
export function memoryUsage(): NodeJS.MemoryUsage {
  try {
    last = process.memoryUsage();
  } catch {
    // Whoever asks goes by figures of a moment ago.
  }
  return last;
}
