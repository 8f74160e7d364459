import { expect, test } from 'vitest';
import { dayNs } from '../../base/units.ts';
import { applyCommand } from './apply.ts';
import { emptyCatalog, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import { decodeCatalog, encodeCatalog } from '../codec/catalog-codec.ts';
import type { Command, MoveStep } from '../command/command.ts';
import { activePlan, movesMax, type ProposedMove } from '../model/move-plan.ts';
import { copiesOf } from '../model/shard-copies.ts';

/** Nodes 1 to 3, which all own shard 1. */
class Cluster {
  catalog: Catalog = emptyCatalog;
  index = 0;

  constructor() {
    for (const host of ['d1', 'd2', 'd3']) this.do({ kind: 'create-data-node', httpAddress: `${host}:8086`, tcpAddress: `${host}:8088`, dataNodesMax: 9 }); // prettier-ignore
    this.do({ kind: 'create-database', name: 'db', policy: { shardDurationNs: dayNs, replication: 1 } }); // prettier-ignore
    this.group(0n);
    for (const nodeId of [1, 2, 3]) this.do({ kind: 'add-shard-owner', shardId: 1, nodeId });
  }

  do(command: Command): CommandAnswer {
    const logged = { id: `${++this.index}`, command };
    const { catalog, answer } = applyCommand(this.catalog, this.index, logged);
    this.catalog = catalog;
    return answer;
  }

  group(timeNs: bigint): readonly number[] {
    this.do({ kind: 'create-shard-groups', database: 'db', retentionPolicy: 'autogen', timesNs: [timeNs] }); // prettier-ignore
    return [...this.catalog.databases.shards()].flatMap(({ shard }) => shard.id === this.catalog.maxShardId ? shard.owners : []); // prettier-ignore
  }

  begin(
    moves: readonly ProposedMove[],
    leavingId = 0,
    goal: 'balance' | 'decommission' = 'balance',
  ): CommandAnswer {
    // prettier-ignore
    return this.do({ kind: 'begin-move-plan', goal, leavingId, joiningId: 0, isRemoval: true, startedNs: 7n, moves }); // prettier-ignore
  }

  advance(move: ProposedMove, step: MoveStep, reason = ''): CommandAnswer {
    const { shardId, fromId, toId } = move;
    const planIndex = this.catalog.movePlan?.beganIndex ?? 0;
    return this.do({ kind: 'advance-shard-move', planIndex, shardId, fromId, toId, step, reason });
  }

  end(): CommandAnswer {
    return this.do({ kind: 'end-move-plan', planIndex: this.catalog.movePlan?.beganIndex ?? 0, nowNs: 9n }); // prettier-ignore
  }

  get states(): readonly string[] {
    return (this.catalog.movePlan?.moves ?? []).map(({ shardId, state }) => `${shardId} ${state}`);
  }

  owners(shardId: number): readonly number[] {
    return this.catalog.databases.shard(shardId)?.shard.owners ?? [];
  }
}

/** Shard 1 has these owners. */
function clusterWith(owners: readonly number[]): Cluster {
  const cluster = new Cluster();
  for (const nodeId of [1, 2, 3])
    if (!owners.includes(nodeId))
      cluster.do({ kind: 'remove-shard-owner', shardId: 1, nodeId, nowNs: 1n });
  expect([...cluster.owners(1)].sort()).toEqual([...owners].sort());
  return cluster;
}

const move: ProposedMove = { shardId: 1, fromId: 1, toId: 3, sizeBytes: 10, reason: '' };

test('plans: a shard is handed over once its new owner has it, and not before', () => {
  const cluster = clusterWith([1, 2]);
  expect(cluster.begin([move])).toEqual({ ok: true });
  expect(cluster.advance(move, 'hand-over')).toMatchObject({ ok: false, text: 'shard 1 is not on node 3 yet' }); // prettier-ignore
  expect(cluster.owners(1)).toContain(1);
  cluster.do({ kind: 'add-shard-owner', shardId: 1, nodeId: 3 });
  expect(cluster.advance(move, 'hand-over')).toEqual({ ok: true });
  expect([...cluster.owners(1)].sort()).toEqual([2, 3]);
  // Asked again, as a leader does that has not heard the answer.
  expect(cluster.advance(move, 'hand-over')).toEqual({ ok: true });
  expect([...cluster.owners(1)].sort()).toEqual([2, 3]);
  expect(cluster.states).toEqual(['1 open']);
  cluster.advance(move, 'done');
  expect(cluster.states).toEqual(['1 done']);
  expect(cluster.advance({ ...move, toId: 2 }, 'done')).toMatchObject({ ok: false, text: 'the plan has no such move' }); // prettier-ignore
});

test('plans: what another copy is being read from is not handed over', () => {
  const cluster = clusterWith([1, 3]);
  cluster.begin([move]);
  cluster.do({
    kind: 'begin-shard-copy',
    shardId: 1,
    sourceId: 1,
    destinationId: 2,
    startedNs: 1n,
  });
  expect(cluster.advance(move, 'hand-over')).toMatchObject({ ok: false, code: 'conflict' });
  expect(cluster.owners(1)).toContain(1);
});

test('plans: one at a time; one that has ended takes nothing but what was left behind', () => {
  const cluster = clusterWith([1, 2]);
  cluster.begin([move]);
  expect(cluster.begin([])).toMatchObject({ ok: false, text: 'a plan is under way: balance' });
  cluster.advance(move, 'left');
  expect(cluster.end()).toEqual({ ok: true });
  expect(activePlan(cluster.catalog)).toBeUndefined();
  expect(cluster.end()).toMatchObject({ ok: false, text: 'the plan has ended' });
  expect(cluster.advance(move, 'failed')).toMatchObject({ ok: false });
  // The next one remembers what its node has still to delete.
  cluster.begin([{ ...move, fromId: 2, toId: 1 }]);
  expect(cluster.states).toEqual(['1 left', '1 open']);
  expect(cluster.advance(move, 'done')).toEqual({ ok: true });
  expect(cluster.states).toEqual(['1 done', '1 open']);
  // Of what is done, or failed, the one behind it knows nothing.
  cluster.advance({ ...move, fromId: 2, toId: 1 }, 'failed');
  cluster.end();
  cluster.begin([]);
  expect(cluster.states).toEqual([]);
});

test('plans: of two moves of a shard the one that is named goes on', () => {
  const cluster = clusterWith([1, 2]);
  cluster.begin([move, { ...move, fromId: 2 }]);
  cluster.advance({ ...move, fromId: 2 }, 'failed', 'why');
  expect(cluster.states).toEqual(['1 open', '1 failed']);
});

test('plans: resumed, what has failed is tried again, and what had nowhere to go is planned anew', () => {
  const cluster = clusterWith([1, 2]);
  cluster.begin([move, { ...move, shardId: 2, toId: 0, reason: 'no node' }]);
  cluster.advance(move, 'failed', 'why');
  expect(cluster.states).toEqual(['1 failed', '2 failed']);
  const planIndex = cluster.catalog.movePlan?.beganIndex ?? 0;
  const set = (isPaused: boolean) => cluster.do({ kind: 'pause-move-plan', planIndex, isPaused });
  expect(set(true)).toEqual({ ok: true });
  expect(cluster.states).toEqual(['1 failed', '2 failed']);
  expect(cluster.catalog.movePlan?.isPaused).toBe(true);
  expect(set(false)).toEqual({ ok: true });
  expect(cluster.states).toEqual(['1 open']);
  expect(cluster.catalog.movePlan?.moves[0]?.reason).toBe('');
});

test('plans: a node that is to own nothing gets no new shards and no copies, until the plan ends', () => {
  const cluster = clusterWith([1, 2]);
  cluster.begin([], 3, 'decommission');
  for (let day = 1n; day <= 6n; day++) expect(cluster.group(day * dayNs)).not.toContain(3);
  const copy = { kind: 'begin-shard-copy', shardId: 1, sourceId: 1, destinationId: 3, startedNs: 1n } as const; // prettier-ignore
  expect(cluster.do(copy)).toMatchObject({ ok: false, text: 'node 3 is to own no shards any more' }); // prettier-ignore
  cluster.end();
  expect(cluster.do(copy)).toEqual({ ok: true });
  expect(copiesOf(cluster.catalog)).toHaveLength(1);
  const later = Array.from({ length: 6 }, (_, i) => cluster.group(BigInt(i + 10) * dayNs)).flat();
  expect(later).toContain(3);
});

test('plans: no more moves than the limit, those that are done go first', () => {
  const cluster = clusterWith([1, 2]);
  const many = Array.from({ length: movesMax }, (_, i) => ({ ...move, shardId: i + 1 }));
  cluster.begin(many);
  cluster.advance(move, 'done');
  const planIndex = cluster.catalog.movePlan?.beganIndex ?? 0;
  cluster.do({ kind: 'extend-move-plan', planIndex, moves: [{ ...move, shardId: 5_000 }, { ...move, shardId: 5_001 }] }); // prettier-ignore
  expect(cluster.states).toHaveLength(movesMax);
  expect(cluster.states).not.toContain('1 done');
  expect(cluster.states.at(-1)).toBe('5000 open');
  expect(cluster.do({ kind: 'extend-move-plan', planIndex, moves: [...many, move] })).toMatchObject({ ok: false, code: 'invalid_argument' }); // prettier-ignore
});

test('plans: they are kept as they are', () => {
  const cluster = clusterWith([1, 2]);
  cluster.begin([move, { ...move, shardId: 2, toId: 0, reason: 'no node' }], 2, 'decommission');
  cluster.advance(move, 'left', 'why');
  cluster.end();
  const decoded = decodeCatalog(encodeCatalog(cluster.catalog));
  expect(decoded.movePlan).toEqual(cluster.catalog.movePlan);
  expect(decoded.movePlan?.moves).toHaveLength(2);
});
