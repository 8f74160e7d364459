/**
 * What disks do to bytes that were durable. One data node of a run has such a disk, so that every shard has an owner whose
 * copy is whole; it may lose points, and has to say so.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { parseSegmentName } from '../../../src/storage/wal/segment-name.ts';
import type { SimDrive } from '../world/sim-disk.ts';
import type { SimNode } from '../world/world.ts';

/** What is asked of the cluster. */
interface Machines {
  machine(name: string): SimNode;
  crash(name: string, downMs: number): void;
}

const damageKinds = ['flip', 'folder'] as const;
type DamageKind = (typeof damageKinds)[number];

export interface DamageOptions {
  /** How likely it is at each strike. */
  readonly rate: number;
  readonly kinds: readonly DamageKind[];
}

const atTimes: DamageOptions = { rate: 0.1, kinds: damageKinds };

/** The node that a run may damage, and how it was. Each kind comes once: two flips may hide one another. */
export class Victim {
  readonly name: string;
  readonly #random: Random;
  readonly #options: DamageOptions;
  readonly #done = new Set<DamageKind>();

  constructor(random: Random, options = atTimes) {
    this.#random = random;
    this.#options = options;
    this.name = `d${1 + below(random, 3)}`;
  }

  get isDamaged(): boolean {
    return this.#done.size > 0;
  }

  /** To be called as often as the run strikes. The power goes, and while it is off bytes or a folder do. */
  maybeDamage(cluster: Machines): void {
    if (fraction(this.#random) > this.#options.rate) return;
    const { kinds } = this.#options;
    const kind = kinds[below(this.#random, kinds.length)] ?? 'flip';
    const machine = cluster.machine(this.name);
    if (this.#done.has(kind) || !machine.isAlive) return;
    cluster.crash(this.name, 300 + below(this.#random, 1_500));
    const damage = kind === 'flip' ? flipLogBit : loseFolder;
    if (damage(machine.drive, this.#random)) this.#done.add(kind);
  }
}

/** In a segment whose end the next one vouches for: of the last records nobody knows whether they were torn. */
function flipLogBit(drive: SimDrive, random: Random): boolean {
  const names = drive.tree.list('wal').map(({ name }) => name);
  const vouched = names.filter((name, i) => {
    const [one, next] = [name, names[i + 1] ?? ''].map(parseSegmentName);
    const isNext = one !== undefined && next?.run === one.run && next.worker === one.worker && next.segment === one.segment + 1; // prettier-ignore
    return isNext && drive.tree.file(`wal/${names[i + 1]}`).length > 200;
  });
  const name = vouched[below(random, Math.max(1, vouched.length))];
  if (name === undefined) return false;
  return drive.flipBit(`wal/${name}`);
}

/** As when the disk of the points is not mounted. */
function loseFolder(drive: SimDrive, random: Random): boolean {
  const policy = 'data/d/autogen';
  const folders = drive.tree.list(policy).filter(({ name }) => /^\d+$/.test(name));
  const folder = folders[below(random, Math.max(1, folders.length))];
  if (folder === undefined) return false;
  drive.lose(`${policy}/${folder.name}`);
  return true;
}
