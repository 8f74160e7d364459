import { expect, test } from 'vitest';
import { hintOf } from '../../test/support/hint-script.ts';
import { World } from '../../test/sim/world/world.ts';
import { DbError } from '../base/errors.ts';
import type { Env } from '../env/env.ts';
import { HintedHandoff } from './hinted-handoff.ts';
import type { HintTarget } from './hint-target.ts';

const options = { folder: 'hh', isEnabled: true, sizeBytesMax: 1e6, ageMsMax: 1e9, pendingMax: 100, batchBytesMax: 100, concurrencyMax: 3, rateBytes: 0, retryMs: 100, retryMsMax: 100, purgeMs: 10_000, mayOvertake: false, segmentBytesMax: 1_000, deadlineMs: 5_000 }; // prettier-ignore

test('hinted handoff: of a node that has gone from one cluster to another what waits is of the second, also after a restart', async () => {
  const world = new World(1);
  const node = world.addNode('a');
  let clusterId = 7n;
  let isDown = false;
  const target: HintTarget = {
    standing: () => 'owner',
    deliver: (_shard, payloads) => {
      const written = payloads.map(() => ({ kind: 'written' }) as const);
      const away = new DbError('unavailable', 'refused');
      return isDown ? Promise.reject(away) : Promise.resolve(written);
    },
    onQueued: () => undefined,
    onDropped: () => undefined,
    onDrained: () => undefined,
  };
  const start = ({ disk, clock, log }: Env): Promise<HintedHandoff> => {
    const ports = { disk, clock, log, target, clusterId: () => clusterId, freshCount: () => 0 };
    return world.complete(HintedHandoff.open(ports, options));
  };
  const handoff = await start(node.env);
  await world.complete(handoff.append(5, 7, [hintOf(1)]));
  await world.run(world.nowMs + 1_000);
  expect(handoff.isEmpty).toBe(true);
  [clusterId, isDown] = [8n, true];
  await world.complete(handoff.append(6, 8, [hintOf(2)]));
  node.crash();
  const again = await start(node.restart());
  expect(again.waiting()).toEqual([{ nodeId: 6, shardIds: [8] }]);
});
