/**
 * Folders that are made by the hundred below a few others: what is durable already is not synced again, and those that are
 * made at the same time share their syncs.
 *
 * Invariants:
 * - Once make() has resolved, the name of the folder and of each above it survives a crash.
 * - A sync counts for a name alone that was there before it began.
 * - What is remembered are folders that nobody removes: those above the ones that are made, as many as `knownMax`.
 */
import type { Disk } from './disk.ts';
import { parentsOf } from './make-durable-dir.ts';

/** Databases and retention policies; then all of it is found out anew. */
const knownMax = 4_096;

export class DurableFolders {
  readonly #disk: Pick<Disk, 'makeDir' | 'syncDir'>;
  /** Their names are durable, and those of all above them. */
  readonly #known = new Set<string>();
  readonly #running = new Map<string, Promise<void>>();
  /** Syncs that have not begun. */
  readonly #waiting = new Map<string, Promise<void>>();

  constructor(disk: Pick<Disk, 'makeDir' | 'syncDir'>) {
    this.#disk = disk;
  }

  async make(path: string): Promise<void> {
    await this.#disk.makeDir(path);
    const parents = parentsOf(path);
    const durableFrom = parents.findIndex((parent) => this.#known.has(parent));
    const unsynced = durableFrom < 0 ? parents : parents.slice(0, durableFrom + 1);
    for (const parent of unsynced) await this.#sync(parent);
    if (this.#known.size + unsynced.length > knownMax) this.#known.clear();
    for (const parent of unsynced) this.#known.add(parent);
  }

  /** Of one that is under way nobody knows which names it has seen: the next one is for all who wait. */
  #sync(path: string): Promise<void> {
    const waiting = this.#waiting.get(path);
    if (waiting !== undefined) return waiting;
    const before = this.#running.get(path) ?? Promise.resolve();
    const sync = before
      .catch(() => undefined)
      .then(() => {
        this.#waiting.delete(path);
        this.#running.set(path, sync);
        return this.#disk.syncDir(path);
      })
      .finally(() => {
        if (this.#running.get(path) === sync) this.#running.delete(path);
      });
    this.#waiting.set(path, sync);
    return sync;
  }
}
