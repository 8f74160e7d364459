/**
 * What befalls the processes of a cluster, one thing after the other: a node is killed and started again, stands still, its disk is
 * full for a while, some nodes are parted from the others, or one no longer hears another that hears it, while clients reach all of them.
 */
import type { ChildProcess } from 'node:child_process';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Prng } from '../../src/base/prng.ts';
import { eventually, type DevCluster } from '../support/dev-cluster.ts';
import type { Namespaces } from '../support/namespaces.ts';

export const faultKinds = ['kill', 'stop', 'full-disk', 'partition', 'one-way'] as const;
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

  static mount(clusterFolder: string, node: string, sizeMiB = smallDiskMiB): SmallDisk | undefined {
    if (process.getuid?.() !== 0) return undefined;
    const folder = join(clusterFolder, node);
    mkdirSync(folder, { recursive: true });
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMiB}m`, 'tmpfs', folder]);
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

  /** What is on it goes with it, unless it is to stay, in a folder beside. */
  unmount({ keepsFiles }: { readonly keepsFiles: boolean }): void {
    if (keepsFiles) cpSync(this.#folder, `${this.#folder}.kept`, { recursive: true });
    execFileSync('umount', ['-l', this.#folder]);
  }
}

export interface FaultOptions {
  /** Nodes that trouble comes to, by chance: one that is named twice has twice as much. */
  readonly names: readonly string[];
  /** Undefined where nobody may mount one, or part nodes. */
  readonly disk: SmallDisk | undefined;
  readonly namespaces: Namespaces | undefined;
  /** Left out: all. */
  readonly kinds?: readonly FaultKind[] | undefined;
}

export class Faults {
  readonly counts: Record<FaultKind, number> = {
    kill: 0,
    stop: 0,
    'full-disk': 0,
    partition: 0,
    'one-way': 0,
  };
  readonly #cluster: DevCluster;
  readonly #random: Prng;
  readonly #options: FaultOptions;
  readonly #started = new Map<string, ChildProcess>();

  constructor(cluster: DevCluster, random: Prng, options: FaultOptions) {
    this.#cluster = cluster;
    this.#random = random;
    this.#options = options;
  }

  /** Those that this system lets one have. */
  get kinds(): readonly FaultKind[] {
    const { disk, namespaces } = this.#options;
    const isHere = (kind: FaultKind): boolean => {
      if (kind === 'full-disk') return disk !== undefined;
      return namespaces !== undefined || (kind !== 'partition' && kind !== 'one-way');
    };
    return (this.#options.kinds ?? faultKinds).filter(isHere);
  }

  /** One fault, from its beginning until the node is well again; resolves with what it was. */
  async strike(): Promise<string> {
    const { names, disk, namespaces } = this.#options;
    const kinds = this.kinds;
    const kind = kinds[this.#random.u32() % kinds.length] ?? 'kill';
    const name = names[this.#random.u32() % names.length] ?? '';
    this.counts[kind]++;
    switch (kind) {
      case 'kill':
        process.kill(this.#pid(name), 'SIGKILL');
        await this.#pause(3_000);
        await this.#start(name);
        return `${kind} ${name}`;
      case 'stop':
        process.kill(this.#pid(name), 'SIGSTOP');
        await this.#pause(8_000);
        process.kill(this.#pid(name), 'SIGCONT');
        return `${kind} ${name}`;
      case 'full-disk':
        disk?.fill();
        await this.#pause(6_000);
        disk?.free();
        // A log that has failed refuses writes until the node starts anew, and the node may have ended by itself.
        await this.#restart(disk?.node ?? '');
        return `${kind} ${disk?.node}`;
      case 'partition': {
        const side = this.#side(name);
        namespaces?.part(side);
        await this.#pause(12_000);
        namespaces?.heal();
        return `${kind} ${[...side].join()}`;
      }
      case 'one-way':
        return `${kind} ${await this.#deafen(name)}`;
    }
  }

  /** A node and one or two others that no longer hear it, or that it hears no more. */
  async #deafen(name: string): Promise<string> {
    const { names, namespaces } = this.#options;
    const others = [...new Set(names)].filter((other) => other !== name);
    const isSilent = this.#random.u32() % 2 === 0;
    const count = 1 + (this.#random.u32() % 2);
    const pairs = Array.from({ length: count }, () => {
      const other = others[this.#random.u32() % others.length] ?? '';
      return isSilent ? ([other, name] as const) : ([name, other] as const);
    });
    for (const [to, from] of new Map(pairs.map((pair) => [pair.join(), pair])).values())
      namespaces?.deafen(to, from);
    await this.#pause(20_000);
    namespaces?.heal();
    return pairs.map(([to, from]) => `${to} does not hear ${from}`).join(', ');
  }

  /** One node, or some by chance. */
  #side(name: string): ReadonlySet<string> {
    if (this.#random.u32() % 2 === 0) return new Set([name]);
    return new Set(this.#options.names.filter(() => this.#random.u32() % 2 === 0));
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
