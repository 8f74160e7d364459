import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import { PlanKeeper, type PlanKeeperPorts } from './plan-keeper.ts';

/** Nodes 1 and 2 of which 1 owns a shard, and a passive one; `silent` addresses do not answer. */
async function keeper(silent: readonly string[] = []) {
  const meta = new MemoryMeta();
  const create = (i: number, isPassive = false) =>
    meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9, isPassive }); // prettier-ignore
  await create(1);
  await meta.execute({ kind: 'create-database', name: 'd', policy: { replication: 1 } });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  await create(2);
  await create(3, true);
  const node = {
    get catalog() {
      return meta.catalog;
    },
    readBarrier: () => Promise.resolve(),
  };
  const rpc = {
    async *stream(address: string) {
      if (silent.includes(address)) throw new DbError('unavailable', `${address} is away`);
      yield await Promise.resolve({ states: [], behind: [] });
    },
  };
  const clock = { every: () => ({ cancel: () => undefined }) };
  const ports = { clock, node, rpc } as unknown as PlanKeeperPorts;
  return new PlanKeeper(ports, { movesAtOnce: 1, restoreAfterMs: 0 });
}

const replace = { goal: 'replace', leavingId: 1, isRemoval: true } as const;

test('plan keeper: what is for a node that owns no shards, or does not answer, does not go to others', async () => {
  const plans = await keeper();
  await expect(plans.propose({ ...replace, joiningId: 3 })).rejects.toThrow('node 3 is passive: it owns no shards'); // prettier-ignore
  expect(await plans.propose({ ...replace, joiningId: 2 })).toMatchObject([{ fromId: 1, toId: 2 }]);
  expect(await plans.propose({ ...replace, joiningId: 0 })).toMatchObject([{ fromId: 1, toId: 2 }]);
  const away = await keeper(['n2:1']);
  await expect(away.propose({ ...replace, joiningId: 2 })).rejects.toThrow(
    'node 2 does not answer',
  );
});
