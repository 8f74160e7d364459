import fc from 'fast-check';
import { expect, test } from 'vitest';
import { engineOptions } from '../../../test/support/engine-options.ts';
import { batchOf } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { Latch } from '../../base/async/latch.ts';
import type { EngineFactory, EngineHost } from '../../env/engine-host.ts';
import type { SeriesLimits } from '../../storage/engine/limits/series-limits.ts';
import { LocalShards } from './local-shards.ts';
import { StorageEngine } from './storage-engine.ts';

type Write = (shardId: number, lines: string, database?: string) => Promise<string>;

/** What a node of two or more workers says to writes; `restart` has it end and start again. */
async function onNode(
  seriesLimits: SeriesLimits,
  body: (node: { write: Write; restart: () => Promise<void> }) => Promise<void>,
  workerCount = 2,
): Promise<void> {
  const world = new World(1);
  const engineFactory: EngineFactory = (settings, ports) => StorageEngine.create(settings, ports);
  const { env } = world.addNode('a', { engineFactory });
  const start = () =>
    LocalShards.start(env.engines, workerCount, { ...engineOptions, seriesLimits });
  const work = async (): Promise<void> => {
    let shards = await start();
    const write: Write = async (shardId, lines, database = 'db') => {
      const batch = { shardId, database, retentionPolicy: 'autogen', payload: batchOf(lines) };
      const outcome = await shards.write(batch);
      if (outcome.kind === 'failed') throw outcome.error;
      return outcome.reason === '' ? '' : `${outcome.reason} dropped=${outcome.droppedCount}`;
    };
    const restart = async (): Promise<void> => {
      await shards.close();
      shards = await start();
    };
    await body({ write, restart });
    await shards.close();
  };
  await world.complete(work());
}

test('limits of a node: its workers have the series of a database together, each counted once', async () => {
  await onNode({ seriesMax: 3, valuesPerTagMax: 0 }, async ({ write }) => {
    expect(await write(7, 'm,h=a v=1 1\nm,h=b v=1 1')).toBe('');
    expect(await write(8, 'm,h=c v=1 9')).toBe('');
    // What a shard of another worker has is not new.
    expect(await write(8, 'm,h=a v=1 9\nm,h=b v=1 9')).toBe('');
    for (const shardId of [7, 8, 9, 10])
      expect(await write(shardId, 'm,h=a v=2 1\nm,h=d v=1 2')).toBe(
        'max-series-per-database exceeded database=db limit=3 series=3 keys=1 dropped=1',
      );
    expect(await write(9, 'm,h=c v=1 2')).toBe('');
    expect(await write(8, 'm,h=x v=1 9', 'other')).toBe('');
  });
});

test('limits of a node: its workers have the values of a tag together, each counted once', async () => {
  await onNode({ seriesMax: 0, valuesPerTagMax: 3 }, async ({ write }) => {
    const full = 'max-values-per-tag limit exceeded (3/3): measurement="m" tag="h" value="d" dropped=1';
    expect(await write(7, 'm,h=a v=1 1\nm,h=b v=1 1')).toBe('');
    expect(await write(8, 'm,h=b v=1 9\nm,h=c\\,\\ é v=1 9')).toBe('');
    for (const shardId of [7, 8, 9, 10])
      expect(await write(shardId, 'm,h=d v=1 1\nm,h=a v=3 1')).toBe(full);
    expect(await write(9, 'm,h=c\\,\\ é v=1 9\nm,k=d v=1 9\nn,h=d v=1 9')).toBe('');
  });
}); // prettier-ignore

test('limits of a node: after a restart they hold before the shards of other workers are open', async () => {
  const limits = { seriesMax: 3, valuesPerTagMax: 3 };
  await onNode(limits, async ({ write, restart }) => {
    expect(await write(7, 'm,h=a v=1 1\nm,h=b v=1 1')).toBe('');
    expect(await write(8, 'm,h=c v=1 9')).toBe('');
    for (const shardId of [10, 11, 8]) {
      await restart();
      expect(await write(shardId, 'm,h=d v=1 9')).toBe(
        'max-values-per-tag limit exceeded (3/3): measurement="m" tag="h" value="d" dropped=1',
      );
      expect(await write(shardId, 'm,k=d v=1 9')).toBe(
        'max-series-per-database exceeded database=db limit=3 series=3 keys=1 dropped=1',
      );
    }
  });
});

test('limits of a node: writes to all workers at once do not take the same room', async () => {
  await onNode({ seriesMax: 20, valuesPerTagMax: 0 }, async ({ write }) => {
    // No two of these names share a register of the sketches that they are counted with.
    const taken = new Set<string>();
    const ask = async (i: number): Promise<void> => {
      if ((await write(7 + (i % 4), `m,host=${i} v=1 1`)) === '') taken.add(`${i}`);
    };
    await Promise.all(Array.from({ length: 60 }, (_, i) => ask(i)));
    expect(taken.size).toBeLessThanOrEqual(20);
    // What room is left is taken one after the other.
    for (let i = 60; i < 90; i++) await ask(i);
    expect(taken.size).toBe(20);
  });
});

test('limits of a node: of any writes to any workers as much is taken as one list of all series would take', async () => {
  const step = fc.record({
    shardId: fc.integer({ min: 1, max: 6 }),
    hosts: fc.uniqueArray(fc.nat(9), { minLength: 1, maxLength: 3 }),
    isRestart: fc.constantFrom(false, false, false, true),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), fc.integer({ min: 2, max: 3 }), async (steps, workerCount) => {
      await onNode(
        { seriesMax: 6, valuesPerTagMax: 0 },
        async ({ write, restart }) => {
          const known = new Set<number>();
          for (const { shardId, hosts, isRestart } of steps) {
            if (isRestart) await restart();
            const fresh = hosts.filter((host) => !known.has(host));
            const isTaken = known.size + fresh.length <= 6;
            const said = await write(shardId, hosts.map((host) => `m,h=${host} v=1 1`).join('\n'));
            const refused = `max-series-per-database exceeded database=db limit=6 series=${known.size} keys=${fresh.length} dropped=${fresh.length}`;
            expect(said).toBe(isTaken ? '' : refused);
            if (isTaken) for (const host of fresh) known.add(host);
          }
        },
        workerCount,
      );
    }),
    { numRuns: 40, seed: 11 },
  );
}); // prettier-ignore

test('limits of a node: a batch that a worker still looks at is not done with, though another one cannot answer', async () => {
  const slow = new Latch<undefined>();
  const answers: Record<string, () => Promise<unknown>> = {
    '0 write': () => Promise.resolve({ asks: { tags: [] } }),
    '1 other-series': () => Promise.reject(new Error('damaged')),
    '2 other-series': () => slow.promise,
  };
  const host: EngineHost = {
    prepare: () => undefined,
    spawn: ({ index }) =>
      Promise.resolve({
        call: (kind) => answers[`${index} ${kind}`]?.() ?? Promise.resolve(undefined),
        stream: () => expect.fail('nothing is read'),
        streamsActive: 0,
        died: new Promise(() => undefined),
        close: () => Promise.resolve(),
      }),
  };
  const shards = await LocalShards.start(host, 3, engineOptions);
  const batch = { shardId: 3, database: 'db', retentionPolicy: 'p', payload: batchOf('m v=1 1') };
  const done: string[] = [];
  const writing = shards.write(batch).then(({ kind }) => done.push(kind));
  // All that can go on without the slow one has.
  for (let turn = 0; turn < 100; turn++) await Promise.resolve();
  expect(done).toEqual([]);
  slow.open(undefined);
  await writing;
  expect(done).toEqual(['failed']);
});
