import { expect, test } from 'vitest';
import { MemoryMeta } from '../../../test/support/memory-meta.ts';
import { dayNs, hourNs, secondNs } from '../../base/units.ts';
import type { Clock } from '../../env/clock.ts';
import { LineKernel } from '../../kernels/line-kernel.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import type { PolicySpec } from '../../meta/command/command.ts';
import { LineRouter } from '../engine/lines/line-router.ts';
import { partBatch } from '../engine/lines/part-batch.ts';
import { BodyRoutes } from './body-routes.ts';
import { StampClock } from './stamp-clock.ts';

const clock = { wallNs: () => 0n, monotonicMs: () => 0 } as unknown as Clock;
const request = { database: 'd', retentionPolicy: '', stepNs: secondNs, level: 'one', timeoutMs: 1_000 } as const; // prettier-ignore
const policy = { name: 'p', durationNs: 0n, replication: 1 };
const router = new LineRouter(LineKernel.create(compiledKernels()));

async function routesOf(shardDurationNs: bigint) {
  const meta = new MemoryMeta();
  await meta.execute({ kind: 'create-data-node', httpAddress: 'h:1', tcpAddress: 't:1', dataNodesMax: 1 }); // prettier-ignore
  await meta.execute({ kind: 'create-database', name: 'd', policy: { ...policy, shardDurationNs } }); // prettier-ignore
  const routes = new BodyRoutes({
    ...{ clock, meta },
    stamps: new StampClock({ clock, nodeId: () => 1, random: { u32: () => 1 } }),
    routeLines: (task) => Promise.resolve(router.route(task)),
    partBatch: (task) => Promise.resolve(partBatch(task)),
  });
  return { meta, routes };
}

function bodyOf(times: Iterable<bigint>): Uint8Array {
  return Buffer.from(Array.from(times, (timeNs) => `m v=1 ${timeNs / secondNs}`).join('\n'));
}

function* everyStep(stepNs: bigint, fromNs: bigint, toNs: bigint): Generator<bigint> {
  for (let timeNs = fromNs; timeNs < toNs; timeNs += stepNs) yield timeNs;
}

test('groups for a body: those that many thousand points of eight days lack are made at once', async () => {
  const { meta, routes } = await routesOf(dayNs);
  const body = bodyOf(everyStep(7n * secondNs, 0n, 8n * dayNs));
  const { routed } = await routes.route({ ...request, body });
  expect(new Set(routed.batches.map(({ shardId }) => shardId)).size).toBe(8);
  expect(meta.catalog.databases.get('d')?.retentionPolicies[0]?.shardGroups).toHaveLength(8);
});

test('groups for a body: those between others of a shorter duration are made at once', async () => {
  const { meta, routes } = await routesOf(hourNs);
  const noons = Array.from({ length: 7 }, (_, day) => BigInt(day + 4) * dayNs + 12n * hourNs);
  await routes.route({ ...request, body: bodyOf(noons) });
  const changed: PolicySpec = { ...policy, shardDurationNs: 7n * dayNs };
  await meta.execute({ kind: 'alter-retention-policy', database: 'd', name: 'p', policy: changed, isDefault: true }); // prettier-ignore
  const mornings = noons.map((noonNs) => noonNs - 3n * hourNs);
  const { routed } = await routes.route({ ...request, body: bodyOf(mornings) });
  expect(new Set(routed.batches.map(({ shardId }) => shardId)).size).toBe(7);
});
