/**
 * The one writer of a shard's `shard.json`: flushes and compactions change it at the same time.
 *
 * Invariants:
 * - changes are written one after the other, each on top of what is on the disk by then;
 * - a change that could not be written has not happened;
 * - a file that was put in place and did not become the shard's is off the disk, or the next change says that it is gone: a
 *   start takes files that nobody names, and this one's points may have been deleted since.
 */
import type { Disk } from '../../../env/disk.ts';
import { removeTsm } from '../../tsm/tombstones.ts';
import { writeManifest, type ShardManifest } from './shard-manifest.ts';

export class ManifestKeeper {
  readonly #disk: Disk;
  readonly #folder: string;
  #manifest: ShardManifest;
  #last: Promise<unknown> = Promise.resolve();
  /** Names of files that are in the folder, and are to be gone. */
  readonly #strays = new Set<string>();

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
      const strays = [...this.#strays];
      const manifest = withGone(change(this.#manifest), strays);
      await writeManifest(this.#disk, this.#folder, manifest);
      this.#manifest = manifest;
      for (const name of strays) this.#strays.delete(name);
    });
    // The next change does not hang on this one's failure, which its caller gets.
    this.#last = written.catch(() => undefined);
    return written;
  }

  /** Of files that a change named which could not be written: the disk may name them all the same, so they stay until the next one. */
  disown(names: readonly string[]): void {
    for (const name of names) this.#strays.add(name);
  }

  /** Resolves once the disk surely names none of what was disowned, so that its names may be used again; throws what the disk says. */
  async settle(): Promise<void> {
    if (this.#strays.size > 0) await this.update((manifest) => manifest);
  }

  /** Removes files that no change has named. Never rejects: what the disk keeps is gone with the next change. */
  async takeBack(names: readonly string[]): Promise<void> {
    this.disown(names);
    try {
      for (const name of names) await removeTsm(this.#disk, `${this.#folder}/${name}`);
      await this.#disk.syncDir(this.#folder);
      for (const name of names) this.#strays.delete(name);
    } catch {
      // Whoever takes them back has a failure of its own to tell.
    }
  }
}

/** A name that has come to be a file of the shard since is gone no more. */
function withGone(manifest: ShardManifest, strays: readonly string[]): ShardManifest {
  const { gone = [], files, ...rest } = manifest;
  const names = [...new Set([...gone, ...strays])].filter((name) => !files.has(name));
  return { ...rest, files, ...(names.length > 0 && { gone: names }) };
}
