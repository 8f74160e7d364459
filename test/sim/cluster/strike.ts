import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { ClusterWorld } from './cluster-world.ts';

/** Breaks one thing, or mends one. */
export function strike(cluster: ClusterWorld, random: Random): void {
  const dice = fraction(random);
  if (dice < 0.27) crash(cluster, random);
  else if (dice < 0.42) partition(cluster, random);
  else if (dice < 0.5) clog(cluster, random);
  else if (dice < 0.6) badLines(cluster, random);
  else if (dice < 0.68)
    cluster.machine(pick(cluster, random)).clock.jump(below(random, 4_000) - 2_000); // prettier-ignore
  else badDisk(cluster, random);
}

/** Ends all that is going on, and starts every node anew: one whose log has failed refuses writes until then. */
export function calm(cluster: ClusterWorld): void {
  const { world } = cluster;
  world.network.heal();
  world.network.setRates({ loss: 0, duplicate: 0, reorder: 0, delayMaxMs: 1 });
  for (const name of cluster.names) {
    const { drive } = cluster.machine(name);
    drive.ioErrorRate = 0;
    drive.slowFactor = 1;
    drive.capacityBytes = Infinity;
    cluster.crash(name, 100);
  }
}

/** At once, or in the midst of what the disk is asked next. */
function crash(cluster: ClusterWorld, random: Random): void {
  const name = pick(cluster, random);
  const downMs = 200 + below(random, 4_000);
  if (fraction(random) < 0.3) cluster.crash(name, downMs);
  else {
    cluster.machine(name).drive.afterCalls(1 + below(random, 60), () => {
      cluster.crash(name, downMs);
    });
  }
}

function partition(cluster: ClusterWorld, random: Random): void {
  const { network } = cluster.world;
  const cut = cluster.names.filter(() => fraction(random) < 0.4);
  const rest = cluster.names.filter((one) => !cut.includes(one));
  network.partition(cut, rest, { oneWay: fraction(random) < 0.4 });
  later(cluster, random, () => {
    network.heal();
  });
}

function clog(cluster: ClusterWorld, random: Random): void {
  const from = pick(cluster, random);
  const to = pick(cluster, random);
  if (from !== to) cluster.world.network.clog(from, to, 50 + below(random, 1_500));
}

function badLines(cluster: ClusterWorld, random: Random): void {
  const { network } = cluster.world;
  if (fraction(random) < 0.3) network.setRates({ loss: 0, duplicate: 0, reorder: 0, delayMaxMs: 1 });
  else network.setRates({ loss: 0.02, duplicate: 0.1, reorder: 0.1, reorderMs: 300, delayMaxMs: 20 }); // prettier-ignore
}

/** A disk that fails at times, is slow, or has little room left. */
function badDisk(cluster: ClusterWorld, random: Random): void {
  const name = pick(cluster, random);
  const { drive } = cluster.machine(name);
  const dice = fraction(random);
  if (dice < 0.4) {
    drive.ioErrorRate = name.startsWith('m') ? 0.000_5 : 0.003;
    later(cluster, random, () => {
      drive.ioErrorRate = 0;
    });
  } else if (dice < 0.7) {
    drive.slowFactor = 5 + below(random, 40);
    later(cluster, random, () => {
      drive.slowFactor = 1;
    });
  } else {
    drive.capacityBytes = drive.tree.usedBytes() + below(random, 3_000);
    later(cluster, random, () => {
      drive.capacityBytes = Infinity;
    });
  }
}

function later(cluster: ClusterWorld, random: Random, run: () => void): void {
  cluster.world.schedule(500 + below(random, 4_000), run);
}

function pick({ names }: ClusterWorld, random: Random): string {
  return names[below(random, names.length)] ?? 'm1';
}
