import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { must } from '../../base/assert.ts';
import { DbError } from '../../base/errors.ts';
import { emptyCatalog, type Catalog } from '../../meta/model/catalog.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { HeardCatalogs } from './heard-catalogs.ts';

const dataNodes = [1, 2, 3].map((id) => ({ id, tcpAddress: `d${id}`, httpAddress: '' }));
const catalog = { ...emptyCatalog, index: 30, dataNodes } as Catalog;

/** Node 1, which asks the others; each answers with one index after the other, its last for good, and every 500 ms. */
function node1(said: Readonly<Record<string, readonly number[]>>) {
  const world = new World(1);
  world.addNode('d1');
  const { clock, log } = must(world.nodes[0], 'd1').env;
  const asked: string[] = [];
  const call = async (address: string): Promise<unknown> => {
    const answers = said[address] ?? [];
    const count = asked.filter((one) => one === address).length;
    asked.push(address);
    await clock.sleep(500);
    if (answers.length === 0) throw new DbError('unavailable', 'it is down');
    return { index: answers[Math.min(count, answers.length - 1)] };
  };
  const rpc = { call } as unknown as RpcClient;
  const heard = new HeardCatalogs({ clock, log, rpc, meta: { catalog, nodeId: 1, reach: () => Promise.resolve() } }); // prettier-ignore
  return { world, asked, hear: () => world.complete(heard.hear()) };
}

test('heard catalogs: all other nodes are asked until each has it', async () => {
  const { hear, asked } = node1({ d2: [30], d3: [29, 29, 31] });
  await hear();
  expect(asked.sort()).toEqual(['d2', 'd3', 'd3', 'd3']);
});

test('heard catalogs: who does not answer is not waited for, and who does not hear for some seconds', async () => {
  const down = node1({ d2: [30] });
  await down.hear();
  expect(down.world.nowMs).toBeLessThan(1_000);
  const deaf = node1({ d2: [30], d3: [29] });
  await deaf.hear();
  expect(deaf.world.nowMs).toBeGreaterThan(5_000);
  expect(deaf.world.nowMs).toBeLessThan(10_000);
});
