import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { isRetryable, noHints, settleOutcomes } from './hint-sink.ts';
import type { ShareOutcome } from './share.ts';
import { StrayCopies } from './stray-copies.ts';

const rules = { name: 'p', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n }; // prettier-ignore
const batch = { shardId: 3, database: 'd', retentionPolicy: 'p', payload: new Uint8Array(8) };
const sentBack: ShareOutcome = { kind: 'lost', error: new DbError('shard_not_found', 'shard 3 is not on this node') }; // prettier-ignore

function catalogWith(owners: readonly number[] | undefined): Catalog {
  const shards = owners === undefined ? [] : [{ id: 3, owners }];
  const shardGroups = [{ id: 1, startNs: 0n, endNs: 1n, shards }];
  const database = { name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [{ ...rules, shardGroups }] }; // prettier-ignore
  return { ...emptyCatalog, index: 1, maxShardId: 3, databases: Databases.of([database]) };
}

/** Node 4, whose catalog has node 5 as the owner of shard 3 yet. */
function node4(bytesMax?: number) {
  const world = new World(1);
  world.addNode('d4');
  const { clock } = must(world.nodes[0], 'd4').env;
  const meta = { nodeId: 4, catalog: catalogWith([5]) };
  const queuedFor: number[] = [];
  const hintsOf = (nodeId: number) => ({
    enqueue: (_batches: unknown, error: unknown): Promise<ShareOutcome> => {
      queuedFor.push(nodeId);
      return Promise.resolve({ kind: 'queued', error });
    },
  });
  return { world, meta, queuedFor, strays: new StrayCopies({ clock, meta, hintsOf }, bytesMax) };
}

async function settled(
  { world, strays }: ReturnType<typeof node4>,
  outcome: ShareOutcome = sentBack,
): Promise<string | undefined> {
  const settling = strays.settle(5, batch, outcome);
  return settling && (await world.complete(settling)).kind;
}

test('stray copies: what an owner sends back waits for the catalog, and is gone with its shard', async () => {
  const node = node4();
  node.world.schedule(5_500, () => {
    node.meta.catalog = catalogWith(undefined);
  });
  expect(await settled(node)).toBe('gone');
  // Known by now: nothing that waits for the shard counts as kept.
  expect(await settled(node, { kind: 'queued', error: undefined })).toBe('gone');
  expect(node.queuedFor).toEqual([]);
});

test('stray copies: of a shard that has other owners it is queued, which finds them', async () => {
  const node = node4();
  node.world.schedule(100, () => {
    node.meta.catalog = catalogWith([6]);
  });
  expect(await settled(node)).toBe('queued');
  expect(node.world.nowMs).toBeLessThan(200);
});

test('stray copies: where there is no room to wait, or the catalog stays as it is, it is queued', async () => {
  const full = node4(7);
  expect(await settled(full)).toBe('queued');
  expect(full.world.nowMs).toBeLessThan(10);
  const deaf = node4();
  expect(await settled(deaf)).toBe('queued');
  expect(deaf.queuedFor).toEqual([5]);
});

test('stray copies: what is written, queued or lost otherwise is left as it is', async () => {
  const node = node4();
  const receipt = { droppedCount: 0, reason: '' };
  expect(await settled(node, { kind: 'written', receipt })).toBeUndefined();
  expect(await settled(node, { kind: 'queued', error: undefined })).toBeUndefined();
  expect(await settled(node, { kind: 'lost', error: new Error('full') })).toBeUndefined();
});

test('hint sink: what an owner sends back does not wait for it before it is looked at', async () => {
  const queued: unknown[] = [];
  const enqueue = (...asked: unknown[]): Promise<ShareOutcome> => {
    queued.push(asked);
    return Promise.resolve({ kind: 'queued', error: undefined });
  };
  const { error } = sentBack as { readonly error: DbError };
  const outcomes = await settleOutcomes([batch], [{ kind: 'failed', error }], { ...noHints, enqueue }); // prettier-ignore
  expect(outcomes).toEqual([sentBack]);
  expect(queued).toEqual([]);
  // What waits already is tried until its shard leaves the catalog.
  expect(isRetryable(error)).toBe(true);
});
