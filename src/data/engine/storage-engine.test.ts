import { expect, test, vi } from 'vitest';
import { withEngine } from '../../../test/support/engine-of-lines.ts';
import { engineOptions } from '../../../test/support/engine-options.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { EnginePorts } from '../../env/engine-host.ts';
import type { Log } from '../../env/log.ts';
import { packAlike } from '../../query/fragment-run.ts';
import { fragmentVersion } from '../../query/fragment.ts';
import type { PackedBatch } from './block-replies.ts';
import { unpackBlocks } from './packed-blocks.ts';
import type { FragmentBlock } from './shard-access.ts';
import { StorageEngine } from './storage-engine.ts';

const fragment = {
  version: fragmentVersion,
  measurement: 'm',
  shardIds: [kept.shardId],
  minTimeNs: 0n,
  maxTimeNs: 1_000n,
  ascending: true,
  groupBy: [],
  task: { kind: 'rows', columns: [{ kind: 'field', name: 'v', type: 'float' }], rowsMax: 0 },
} as const;

test('storage engine: damage that a query meets is logged with its place, once however often it is met', async () => {
  const world = new World(1);
  const { disk, clock, random } = world.addNode('a').env;
  const lines: string[] = [];
  const log = {
    info: () => undefined,
    error: (message: string, fields: unknown) => lines.push(`${message} ${JSON.stringify(fields)}`),
  } as unknown as Log;
  const ports: EnginePorts = { disk, clock, random, log, turn: () => Promise.resolve() };
  const work = async () => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m v=1 1\nm v=2.5 2'));
    await store.flush(kept.shardId);
    await store.close();
    const path = 'data/db/autogen/7/000000001-000000001.tsm';
    const bytes = (await disk.readFile(path)).slice();
    bytes[12] = (bytes[12] ?? 0) ^ 1;
    await disk.replaceFile(path, bytes);
    const engine = await StorageEngine.create(
      { index: 0, count: 1, options: engineOptions },
      ports,
    );
    const read = async () => {
      for await (const _ of engine.stream('fragment', fragment, { cancelled: () => false }))
        continue;
    };
    const damaged = { code: 'corrupt', message: `shard 7 is damaged: ${path}: the block at 5 is damaged` }; // prettier-ignore
    await expect(read()).rejects.toMatchObject(damaged);
    await expect(read()).rejects.toMatchObject(damaged);
    expect(lines).toEqual([
      `A query has met damage ${JSON.stringify({ shards: '7', error: damaged.message })}`,
    ]);
    await engine.close();
  };
  await world.complete(work());
});

test('storage engine: fragments whose last batch is on its way have given their kernel to the next', async () => {
  await withEngine('m v=1 1\nm v=2.5 2', async (engine) => {
    const read = async () => {
      const stream = engine.stream('fragment', fragment, { cancelled: () => false });
      const batches = stream[Symbol.asyncIterator]();
      expect(await batches.next()).toMatchObject({ done: false, value: { isLast: true } });
      return batches;
    };
    const first = await read();
    const made = vi.spyOn(WebAssembly, 'Instance');
    const others = [await read(), await read(), await read(), await read(), await read()];
    expect(made).not.toHaveBeenCalled();
    made.mockRestore();
    for (const batches of [first, ...others]) await batches.return?.(undefined);
  });
});

test('storage engine: a run answers each of its fragments as it is answered alone, and where each ends', async () => {
  const lines = ['a', 'b', 'd'].flatMap((name, i) => Array.from({ length: 3 + i }, (_, k) => `${name} v=${k} ${k}`)); // prettier-ignore
  await withEngine(lines.join('\n'), async (engine) => {
    const all = ['a', 'b', 'c', 'd'].map((measurement) => ({ ...fragment, measurement }));
    const context = { cancelled: () => false };
    const alone: FragmentBlock[][] = [];
    for (const one of all) {
      const blocks: FragmentBlock[] = [];
      for await (const { body } of engine.stream('fragment', one, context))
        blocks.push(...unpackBlocks(body as PackedBatch));
      alone.push(blocks);
    }
    const together: FragmentBlock[][] = [[]];
    for await (const { body } of engine.stream('fragment-run', packAlike(all), context)) {
      const { ends = [], ...packed } = body as PackedBatch;
      const blocks = unpackBlocks(packed);
      let from = 0;
      for (const end of ends) {
        together[together.length - 1]?.push(...blocks.slice(from, end));
        together.push([]);
        from = end;
      }
      together[together.length - 1]?.push(...blocks.slice(from));
    }
    expect(alone.map((blocks) => blocks.length)).toEqual([1, 1, 0, 1]);
    expect(together).toEqual([...alone, []]);
  });
});
