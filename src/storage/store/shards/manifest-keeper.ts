/**
 * The one writer of a shard's `shard.json`: flushes and compactions change it at the same time.
 *
 * Invariants:
 * - changes are written one after the other, each on top of what is on the disk by then;
 * - a change that could not be written has not happened.
 */
import type { Disk } from '../../../env/disk.ts';
import { writeManifest, type ShardManifest } from './shard-manifest.ts';

export class ManifestKeeper {
  readonly #disk: Disk;
  readonly #folder: string;
  #manifest: ShardManifest;
  #last: Promise<unknown> = Promise.resolve();

  constructor(disk: Disk, folder: string, manifest: ShardManifest) {
    this.#disk = disk;
    this.#folder = folder;
    this.#manifest = manifest;
  }

  get manifest(): ShardManifest {
    return this.#manifest;
  }

  /** Resolves once the change is durable; throws what the disk says. `change` sees what was written last. */
  update(change: (manifest: ShardManifest) => ShardManifest): Promise<void> {
    const written = this.#last.then(async () => {
      const manifest = change(this.#manifest);
      await writeManifest(this.#disk, this.#folder, manifest);
      this.#manifest = manifest;
    });
    // The next change does not hang on this one's failure, which its caller gets.
    this.#last = written.catch(() => undefined);
    return written;
  }
}
