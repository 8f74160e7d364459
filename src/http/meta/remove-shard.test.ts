import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { createMetaApi } from './meta-api.ts';
import type { MetaApiPorts } from './meta-api-options.ts';
import type { MetaIdentities } from './meta-gate.ts';

const options = {
  identities: {} as MetaIdentities,
  version: '1.12.4-c1.12.4',
  httpAddress: 'm1:8091',
  tcpAddress: 'm1:8089',
  dataNodesMax: 2,
  tracing: false,
};
const state = { database: 'd', retentionPolicy: 'autogen', isHot: false, modifiedNs: 0n, sizeBytes: 1 }; // prettier-ignore

/** A cluster of one data node that owns shard 1, and may hold it or not. */
class Removal {
  readonly meta = new MemoryMeta();
  readonly held = new Set([1]);
  hindrance: DbError | undefined;
  discardHindrance: DbError | undefined;

  static async make(): Promise<Removal> {
    const made = new Removal();
    const { meta } = made;
    await meta.execute({ kind: 'found-cluster', clusterId: 7n });
    for (const i of [1, 2])
      await meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
    await meta.execute({ kind: 'create-database', name: 'd', policy: { replication: 2 } });
    await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
    return made;
  }

  get owners(): readonly number[] | undefined {
    return this.meta.catalog.databases.shard(1)?.shard.owners;
  }

  async *#states() {
    if (this.hindrance !== undefined) throw this.hindrance;
    yield await Promise.resolve({
      states: [...this.held].map((shardId) => ({ ...state, shardId })),
    });
  }

  async ask(): Promise<string> {
    const { meta, held } = this;
    const rpc = {
      stream: () => this.#states(),
      call: () => {
        if (this.discardHindrance !== undefined) return Promise.reject(this.discardHindrance);
        held.delete(1);
        return Promise.resolve({});
      },
    };
    const node = {
      isJoined: true,
      isLeader: true,
      leaderHttpAddress: 'm1:8091',
      get catalog() {
        return meta.catalog;
      },
      readBarrier: () => Promise.resolve(),
      execute: (command: never) => meta.execute(command),
    };
    const log = { info: () => undefined, error: () => undefined };
    const ports = { clock: new NodeClock(), log, node, rpc, requestId: () => 'id' }; // prettier-ignore
    const api = createMetaApi(ports as unknown as MetaApiPorts, options);
    const answer = await api.inject({ method: 'POST', url: '/remove-shard?src=n1:1&shard=1' });
    return `${answer.statusCode} ${answer.body}`.trim();
  }
}

test('remove-shard: a node that does not answer goes on owning the shard', async () => {
  const removal = await Removal.make();
  const before = removal.owners;
  removal.hindrance = new DbError('unavailable', 'dial tcp n1:1: connect: connection refused');
  expect(await removal.ask()).toContain('connection refused');
  expect(removal.owners).toEqual(before);
});

test('remove-shard: asked for again it deletes what was left on the disk of a node that owns it no more', async () => {
  const removal = await Removal.make();
  removal.discardHindrance = new DbError('unavailable', 'it is gone');
  expect(await removal.ask()).toContain('it is gone');
  expect(removal.owners).toHaveLength(1);
  expect([...removal.held]).toEqual([1]);
  removal.discardHindrance = undefined;
  expect(await removal.ask()).toBe('204');
  expect([...removal.held]).toEqual([]);
  expect(await removal.ask()).toContain('is not an owner of shard 1');
});
