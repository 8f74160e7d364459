import { exactTextOf } from '../base/exact-text.ts';
import { expect, test } from 'vitest';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import { applyCommand } from '../meta/apply/apply.ts';
import { emptyCatalog, findDatabase, type Catalog } from '../meta/model/catalog.ts';
import type { Command } from '../meta/command/command.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import { MonitorService } from './monitor.ts';

/** World time 0, a multiple of each interval here. */
const startNs = 1_767_225_600_000_000_000n;

class Node {
  readonly world = new World(1);
  readonly written: string[] = [];
  catalog: Catalog = emptyCatalog;
  nodeId = 4;
  error: DbError | undefined;
  statistics: readonly Statistic[] = [
    { name: 'write', tags: {}, values: { req: 2, 'point Req': 1.4 } },
    { name: 'shard', tags: { path: '/a b', id: '3', empty: '' }, values: { bad: NaN, ok: 7 } },
    { name: 'nothing', tags: {}, values: { bad: Infinity } },
    { name: 'ingress', tags: { measurement: 'caf\udce9' }, values: { points: 1 } },
  ];
  readonly monitor: MonitorService;

  constructor() {
    const { clock, log } = this.world.addNode('d1').env;
    this.monitor = new MonitorService(
      {
        clock,
        log,
        meta: this,
        statistics: { read: () => Promise.resolve(this.statistics) },
        write: ({ database, retentionPolicy, body }) => {
          if (this.error !== undefined) return Promise.reject(this.error);
          this.written.push(`${database}.${retentionPolicy} ${exactTextOf(body)}`);
          return Promise.resolve();
        },
      },
      { database: '_internal', intervalMs: 10_000, hostname: 'h 1' },
    );
  }

  execute(command: Command): Promise<undefined> {
    const index = this.catalog.index + 1;
    this.catalog = applyCommand(this.catalog, index, { id: `${index}`, command }).catalog;
    return Promise.resolve(undefined);
  }
}

test('monitor: each interval the numbers become points of even times, in a database that is made for them', async () => {
  const node = new Node();
  await node.world.run(3_000);
  expect(node.written).toEqual([]);
  await node.world.run(20_500);
  const points = (timeNs: bigint) =>
    `_internal.monitor write,hostname=h\\ 1 req=2i,point\\ Req=1i ${timeNs}\nshard,hostname=h\\ 1,id=3,path=/a\\ b ok=7i ${timeNs}\ningress,hostname=h\\ 1,measurement=caf\udce9 points=1i ${timeNs}\n`;
  expect(node.written).toEqual([
    points(startNs + 10_000_000_000n),
    points(startNs + 20_000_000_000n),
  ]);
  const [policy] = findDatabase(node.catalog, '_internal')?.retentionPolicies ?? [];
  expect(policy).toMatchObject({
    name: 'monitor',
    durationNs: 604_800_000_000_000n,
    shardGroupDurationNs: 86_400_000_000_000n,
    replicaCount: 1,
  });
  await node.monitor.close();
  await node.world.run(60_000);
  expect(node.written).toHaveLength(2);
});

test('monitor: what cannot be stored is lost, and the next is stored', async () => {
  const node = new Node();
  node.error = new DbError('write_failed', 'timeout');
  await node.world.run(10_500);
  node.error = undefined;
  await node.world.run(20_500);
  expect(node.written).toHaveLength(1);
});

test('monitor: a node of no cluster makes no database', async () => {
  const node = new Node();
  node.nodeId = 0;
  await node.world.run(30_500);
  expect([node.written, node.catalog.databases.length]).toEqual([[], 0]);
});

test('monitor: many statistics go in bodies of a few thousand points', async () => {
  const node = new Node();
  node.statistics = Array.from({ length: 12_000 }, (_, i) => ({
    name: `m${i}`,
    tags: {},
    values: { v: i },
  }));
  await node.world.run(10_500);
  expect(node.written.map((body) => body.split('\n').length - 1)).toEqual([5_000, 5_000, 2_000]);
});

test('monitor: a record is a point of its moment', async () => {
  const node = new Node();
  await node.world.run(1_500);
  node.monitor.record({
    name: 'cq_query',
    tags: { db: 'db', cq: 'q' },
    values: { durationNs: 5n },
  });
  await node.world.run(2_000);
  expect(node.written[0]).toMatch(
    /^_internal\.monitor cq_query,cq=q,db=db,hostname=h\\ 1 durationNs=5i 17672256015\d{8}\n$/,
  );
});
