/** Disks of a few megabytes: a tmpfs, where the right to mount one is there. */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Says so where it is not. */
export const hasMount = mayMount();

function mayMount(): boolean {
  const probe = mkdtempSync(join(tmpdir(), 'varve-disk-'));
  const isMounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', probe]).status === 0; // prettier-ignore
  if (isMounted) spawnSync('umount', ['-l', probe]);
  else process.stdout.write('no right to mount a tmpfs: tests of full disks are skipped\n');
  rmSync(probe, { recursive: true, force: true });
  return isMounted;
}

export class SmallDisk {
  readonly folder: string;

  /** Made where there is no such folder. Throws where it cannot be mounted. */
  constructor(folder: string, sizeMiB: number) {
    this.folder = folder;
    mkdirSync(folder, { recursive: true });
    const args = ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder];
    if (spawnSync('mount', args).status !== 0) throw new Error(`no disk at ${folder}`);
  }

  /** Takes what these folders have; links to it stand in their places. */
  takeOver(folder: string, parts: readonly string[]): void {
    for (const part of parts) {
      cpSync(join(folder, part), join(this.folder, part), { recursive: true });
      rmSync(join(folder, part), { recursive: true });
      symlinkSync(join(this.folder, part), join(folder, part));
    }
  }

  /** All of it but so many bytes is taken. */
  fill(freeBytes: number): void {
    const { bavail, bsize } = statfsSync(this.folder);
    writeFileSync(this.#ballast, new Uint8Array(Math.max(0, bavail * bsize - freeBytes)));
  }

  /** What fill() took is free again, and the disk is as large as this, if it is said. */
  empty(sizeMiB?: number): void {
    rmSync(this.#ballast, { force: true });
    if (sizeMiB !== undefined) spawnSync('mount', ['-o', `remount,size=${sizeMiB}m`, this.folder]);
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }

  /** Also one that is in use. */
  unmount(): void {
    spawnSync('umount', ['-l', this.folder]);
  }
}
