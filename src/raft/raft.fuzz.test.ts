import { expect, test } from 'vitest';
import { below, fraction } from '../env/random.ts';
import { RaftCluster, membersOf, seededRandom } from '../../test/support/raft-cluster.ts';

/** Random crashes, lost, doubled and reordered messages, cuts, compactions; then peace, and all must agree. */
function wander(seed: number, options: { forgetsVotes?: boolean } = {}): void {
  const random = seededRandom(seed);
  const ids = below(random, 2) === 0 ? [1, 2, 3] : [1, 2, 3, 4, 5];
  const membership = { voters: membersOf(...ids), learners: [] };
  const cluster = new RaftCluster(membership, { random, ...options });
  const committed: string[] = [];
  let made = 0;
  for (let step = 0; step < 1_500; step++) {
    const id = ids[below(random, ids.length)] ?? 1;
    const isUp = cluster.machine(id).node !== undefined;
    const dice = fraction(random);
    if (dice < 0.3 && isUp) cluster.node(id).tick();
    else if (dice < 0.6) cluster.pump(id);
    else if (dice < 0.9) moveMessage(cluster, random);
    else if (dice < 0.95) {
      const leader = cluster.leader();
      if (leader !== undefined) leader.propose(new TextEncoder().encode(`c${made++}`));
    } else if (dice < 0.96 && isUp) cluster.crash(id);
    else if (dice < 0.98 && !isUp) cluster.restart(id);
    else if (dice < 0.985) cluster.isCut = (from, to) => (from === id) !== (to === id);
    else if (dice < 0.995) cluster.isCut = () => false;
    else if (isUp && !cluster.node(id).hasReady) cluster.compact(id);
    check(cluster, ids, committed);
  }
  cluster.isCut = () => false;
  for (const id of ids) if (cluster.machine(id).node === undefined) cluster.restart(id);
  cluster.tick(60);
  cluster.propose('last');
  cluster.tick(3);
  check(cluster, ids, committed);
  for (const id of ids) expect(cluster.texts(id)).toEqual(committed);
  expect(committed.at(-1)).toBe('last');
}

function moveMessage(cluster: RaftCluster, random: ReturnType<typeof seededRandom>): void {
  const { network } = cluster;
  if (network.length === 0) return;
  const at = below(random, Math.min(network.length, 5));
  const message = network[at];
  if (message === undefined) return;
  const dice = fraction(random);
  // One in twelve is kept and will come again.
  if (dice >= 0.08) network.splice(at, 1);
  if (dice < 0.93) cluster.deliver(message);
}

/** State machine safety: what any server applied at a place is what all applied there. */
function check(cluster: RaftCluster, ids: readonly number[], committed: string[]): void {
  for (const id of ids) {
    const texts = cluster.texts(id);
    const common = Math.min(texts.length, committed.length);
    for (let i = Math.max(0, common - 3); i < common; i++)
      if (texts[i] !== committed[i]) throw new Error(`server ${id} applied ${texts[i]} for ${committed[i]}`); // prettier-ignore
    committed.push(...texts.slice(committed.length));
  }
}

test('raft: random schedules keep one leader a term and one history', () => {
  for (let seed = 1; seed <= 60; seed++) {
    try {
      wander(seed);
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error });
    }
  }
});

test('raft: the schedules are hard enough to catch a server that forgets its vote', () => {
  const isCaught = (seed: number): boolean => {
    try {
      wander(seed, { forgetsVotes: true });
      return false;
    } catch {
      return true;
    }
  };
  expect(Array.from({ length: 400 }, (_, i) => i + 1).some(isCaught)).toBe(true);
});
