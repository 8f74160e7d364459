import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { DbError } from '../../base/errors.ts';
import { CopyKeeper, type CopyKeeperPorts } from './copy-keeper.ts';

test('copy keeper: a copy from a node that is away is told at once, and does not begin', async () => {
  const meta = new MemoryMeta();
  const create = (i: number) =>
    meta.execute({ kind: 'create-data-node', httpAddress: `h${i}:1`, tcpAddress: `n${i}:1`, dataNodesMax: 9 }); // prettier-ignore
  await create(1);
  await meta.execute({ kind: 'create-database', name: 'd', policy: { replication: 1 } });
  await meta.execute({ kind: 'create-shard-groups', database: 'd', retentionPolicy: 'autogen', timesNs: [0n] }); // prettier-ignore
  await create(2);
  const node = {
    get catalog() {
      return meta.catalog;
    },
    readBarrier: () => Promise.resolve(),
  };
  const rpc = {
    call: (address: string) =>
      address === 'n1:1'
        ? Promise.reject(new DbError('unavailable', 'n1 is away'))
        : Promise.resolve({}),
  };
  const clock = { every: () => ({ cancel: () => undefined }) };
  const keeper = new CopyKeeper({ clock, node, rpc } as unknown as CopyKeeperPorts);
  const copied = keeper.copy({ shardId: 1, sourceId: 1, destinationId: 2 });
  await expect(copied).rejects.toThrow('n1 is away');
  expect(meta.catalog.copies).toBeUndefined();
});
