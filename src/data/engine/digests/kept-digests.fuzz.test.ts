import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DigestedStore } from '../../../../test/support/digest-script.ts';
import { batchOf, deleteOf, kept, openStore } from '../../../../test/support/store-script.ts';
import { World } from '../../../../test/sim/world/world.ts';
import { must } from '../../../base/assert.ts';
import { makeStamp, stampBatch } from '../../../models/stamp.ts';
import type { Store } from '../../../storage/store/store.ts';

/** Parts of 112 ns: slices have whole nanoseconds. */
const range = { startNs: 0n, endNs: 1_600n };
/** One of them looks like the end of a key in a file. */
const hosts = ['a', 'b', 'c#!~', 'é', 'caf\udce9', 'caf\udce8', 'e', 'f', 'g'];

const line = fc.tuple(fc.constantFrom(...hosts), fc.integer({ min: -50, max: 1_700 }), fc.nat(5));
const write = fc.record({
  kind: fc.constant('write' as const),
  lines: fc.array(line, { minLength: 1, maxLength: 6 }),
});
const erase = fc.record({
  kind: fc.constant('delete' as const),
  host: fc.constantFrom('', ...hosts.slice(0, 3)),
  from: fc.integer({ min: 0, max: 1_600 }),
  length: fc.integer({ min: 0, max: 1_600 }),
});
const plain = fc.record({
  kind: fc.constantFrom('flush', 'compact', 'digest', 'restart', 'crash'),
});
const step = fc.oneof({ weight: 4, arbitrary: write }, { weight: 1, arbitrary: erase }, { weight: 5, arbitrary: plain }); // prettier-ignore
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function linesOf(lines: readonly (readonly [string, number, number])[]): string {
  return lines
    .map(([host, time, value]) => `m,h=${host} v=${value},w=${value}i ${time}`)
    .join('\n');
}

async function change(store: Store, one: Step, ns: number): Promise<void> {
  const stamp = makeStamp(BigInt(ns), 1);
  if (one.kind === 'write' && 'lines' in one) {
    const payload = batchOf(linesOf(one.lines));
    stampBatch(payload, stamp);
    await store.write(kept, payload);
  } else if (one.kind === 'delete' && 'host' in one) {
    const { host, from, length } = one;
    const times = { minTimeNs: BigInt(from), maxTimeNs: BigInt(from + length) };
    await store.deletePoints(kept.shardId, deleteOf(host === '' ? 'm' : `m,h=${host}`, times, stamp)); // prettier-ignore
  } else if (one.kind === 'flush') await store.flush(kept.shardId);
  else if (one.kind === 'compact') await store.compact(kept.shardId);
}

test('kept digests: after any writes, deletes, flushes, compactions, restarts and crashes what is kept is what reading all gives', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { minLength: 3, maxLength: 25 }),
      fc.array(fc.tuple(fc.nat(6), step), { maxLength: 6 }),
      async (steps, between) => {
        const world = new World(1);
        const node = world.addNode('a');
        let ns = 100;
        const run = async (todo: readonly Step[]): Promise<readonly Step[]> => {
          const { disk, clock } = node.env;
          const store = await openStore(disk, clock);
          const digested = new DigestedStore(store, node.env, range);
          for (const [at, one] of todo.entries()) {
            if (one.kind === 'crash') return todo.slice(at + 1);
            if (one.kind === 'restart') {
              await store.close();
              return todo.slice(at + 1);
            }
            if (one.kind !== 'digest') {
              await change(store, one, ns++);
              continue;
            }
            // Once while the shard changes, and then what has come of it.
            let stepCount = 0;
            await digested.digest(async () => {
              const now = stepCount++;
              for (const [after, other] of between) if (after === now) await change(store, other, ns++); // prettier-ignore
            });
            expect(await digested.digest()).toBe(digested.fromNothing());
          }
          expect(await digested.digest()).toBe(digested.fromNothing());
          await store.close();
          return [];
        };
        for (let rest: readonly Step[] = steps; rest.length > 0;) {
          const before: readonly Step[] = rest;
          let left: readonly Step[] | undefined;
          world.spawn(node, async () => {
            left = await run(before);
          });
          await world.run(world.nowMs + 60_000);
          rest = must(left, 'the run is over');
          if (node.isAlive) node.crash();
          node.restart();
        }
      },
    ),
    { numRuns: 200, seed: 11 },
  );
});
