/**
 * What befalls the processes of a cluster, one thing after the other: a node is killed and started again, stands still, or its
 * disk is full for a while. At most one node has trouble at a time, so that each shard has an owner that works.
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../src/base/prng.ts';
import { eventually, type DevCluster } from '../support/dev-cluster.ts';

export const faultKinds = ['kill', 'stop', 'full-disk'] as const;
export type FaultKind = (typeof faultKinds)[number];

const smallDiskMiB = 96;
const upMsMax = 60_000;

/** A disk of its own for a node, so small that it can be filled; undefined where nobody may mount one. */
export class SmallDisk {
  readonly node: string;
  readonly #folder: string;

  private constructor(node: string, folder: string) {
    this.node = node;
    this.#folder = folder;
  }

  static mount(clusterFolder: string, node: string): SmallDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const folder = join(clusterFolder, node);
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${smallDiskMiB}m`, 'tmpfs', folder]);
    } catch {
      return undefined;
    }
    return new SmallDisk(node, folder);
  }

  fill(): void {
    const { bavail, bsize } = statfsSync(this.#folder);
    try {
      writeFileSync(join(this.#folder, 'filler'), new Uint8Array(bavail * bsize));
    } catch {
      // The node took the rest meanwhile.
    }
  }

  free(): void {
    rmSync(join(this.#folder, 'filler'), { force: true });
  }

  unmount(): void {
    execFileSync('umount', ['-l', this.#folder]);
  }
}

export class Faults {
  readonly counts: Record<FaultKind, number> = { kill: 0, stop: 0, 'full-disk': 0 };
  readonly #cluster: DevCluster;
  readonly #random: Prng;
  readonly #names: readonly string[];
  readonly #disk: SmallDisk | undefined;
  readonly #started = new Map<string, ChildProcess>();

  constructor(
    cluster: DevCluster,
    random: Prng,
    { names, disk }: { readonly names: readonly string[]; readonly disk: SmallDisk | undefined },
  ) {
    this.#cluster = cluster;
    this.#random = random;
    this.#names = names;
    this.#disk = disk;
  }

  /** One fault, from its beginning until the node is well again. */
  async strike(): Promise<void> {
    const kinds = faultKinds.filter((kind) => kind !== 'full-disk' || this.#disk !== undefined);
    const kind = kinds[this.#random.u32() % kinds.length] ?? 'kill';
    const name = this.#names[this.#random.u32() % this.#names.length] ?? '';
    this.counts[kind]++;
    switch (kind) {
      case 'kill':
        process.kill(this.#pid(name), 'SIGKILL');
        await this.#pause(3_000);
        await this.#start(name);
        return;
      case 'stop':
        process.kill(this.#pid(name), 'SIGSTOP');
        await this.#pause(8_000);
        process.kill(this.#pid(name), 'SIGCONT');
        return;
      case 'full-disk':
        this.#disk?.fill();
        await this.#pause(6_000);
        this.#disk?.free();
        // A log that has failed refuses writes until the node starts anew, and the node may have ended by itself.
        await this.#restart(this.#disk?.node ?? '');
    }
  }

  async #restart(name: string): Promise<void> {
    try {
      process.kill(this.#pid(name), 'SIGKILL');
    } catch {
      // It had ended.
    }
    await this.#start(name);
  }

  async #start(name: string): Promise<void> {
    this.#started.set(name, this.#cluster.startByHand(name));
    const [kind, number] = name.split('-');
    const url = this.#cluster.url(kind === 'meta' ? 'meta' : 'data', Number(number));
    await eventually(async () => {
      await (await fetch(`${url}/ping`)).text();
    }, upMsMax);
  }

  #pid(name: string): number {
    return this.#started.get(name)?.pid ?? this.#cluster.pid(name);
  }

  #pause(msMax: number): Promise<void> {
    const ms = 500 + (this.#random.u32() % msMax);
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}
