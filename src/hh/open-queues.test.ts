import { expect, test } from 'vitest';
import { hintOf } from '../../test/support/hint-script.ts';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import type { Disk } from '../env/disk.ts';
import { HintedHandoff } from './hinted-handoff.ts';
import type { HintTarget } from './hint-target.ts';

const options = { folder: 'hh', isEnabled: true, sizeBytesMax: 1e6, ageMsMax: 1e9, pendingMax: 100, batchBytesMax: 100, concurrencyMax: 3, rateBytes: 0, retryMs: 100, retryMsMax: 100, purgeMs: 10_000, mayOvertake: false, segmentBytesMax: 1_000, deadlineMs: 5_000 }; // prettier-ignore

/** A node that is away. */
const target: HintTarget = {
  standing: () => 'owner',
  deliver: () => Promise.reject(new DbError('unavailable', 'refused')),
  onQueued: () => undefined,
  onDropped: () => undefined,
  onDrained: () => undefined,
};

test('hinted handoff: however many queues wait for a node, few of their files are open, whoever has looked at them', async () => {
  const world = new World(1);
  const { disk, clock, log } = world.addNode('a').env;
  let openCount = 0;
  const open: Disk['open'] = async (...of) => {
    const file = await disk.open(...of);
    const close = file.close.bind(file);
    openCount++;
    file.close = () => {
      openCount--;
      return close();
    };
    return file;
  };
  const counting = new Proxy(disk, {
    get: (of, name) => {
      const own: unknown = name === 'open' ? open : Reflect.get(of, name);
      return typeof own === 'function' ? (own.bind(of) as unknown) : own;
    },
  });
  const ports = { disk: counting, clock, log, target, clusterId: () => 7n, freshCount: () => 0 };
  const handoff = await world.complete(HintedHandoff.open(ports, options));
  for (let shardId = 1; shardId <= 400; shardId++)
    await world.complete(handoff.append(5, shardId, [hintOf(shardId)]));
  expect(openCount).toBeLessThan(300);
  // Each second of these tries ten of them.
  await world.run(world.nowMs + 60_000);
  expect(openCount).toBeLessThan(300);
  // Who looks at all queues ends no segment: of each look another file would be left.
  await world.complete(handoff.append(5, 300, [hintOf(1)]));
  const { values } = handoff.statistics().find(({ tags }) => tags['path'] === 'hh/5/300') ?? {};
  expect(values?.['queueDepth']).toBe(1);
  await world.complete(handoff.close());
  expect(openCount).toBe(0);
});
