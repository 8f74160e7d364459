import { expect, test, vi } from 'vitest';
import { engineOptions } from '../../../test/support/engine-options.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { EnginePorts } from '../../env/engine-host.ts';
import type { Log } from '../../env/log.ts';
import { fragmentVersion } from '../../query/fragment.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { taskText, type AnswerPart } from './answers/answer-task.ts';
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
  const world = new World(1);
  const { disk, clock, random } = world.addNode('a').env;
  const log = { info: () => undefined } as unknown as Log;
  const ports: EnginePorts = { disk, clock, random, log, turn: () => Promise.resolve() };
  const work = async () => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m v=1 1\nm v=2.5 2'));
    await store.close();
    const engine = await StorageEngine.create(
      { index: 0, count: 1, options: engineOptions },
      ports,
    );
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
    await engine.close();
  };
  await world.complete(work());
});

test('storage engine: max-select-point is of all that a statement reads, as it answers by itself', async () => {
  const world = new World(1);
  const { disk, clock, random } = world.addNode('a').env;
  const log = { info: () => undefined } as unknown as Log;
  const ports: EnginePorts = { disk, clock, random, log, turn: () => Promise.resolve() };
  const work = async () => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m v=1 1\nm v=2.5 2\nk v=3 1\nk v=4 2'));
    await store.close();
    const engine = await StorageEngine.create(
      { index: 0, count: 1, options: engineOptions },
      ports,
    );
    const answer = async (pointsMax: number): Promise<string> => {
      const statement = parseQuery('SELECT v FROM db.autogen.m, db.autogen.k')[0] as SelectStatement; // prettier-ignore
      const range = { minNs: undefined, maxNs: undefined };
      const places = [{ database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m', 'k'] }]; // prettier-ignore
      const text = taskText({ statement, range, places, bucketsMax: 0, seriesMax: 0, pointsMax, epochUnitNs: 1n }) ?? ''; // prettier-ignore
      const request = { text, nowNs: 9n, isKept: false };
      let document = '';
      for await (const { body } of engine.stream('answer', request, { cancelled: () => false }))
        document += Buffer.from((body as AnswerPart).bytes).toString();
      return document;
    };
    expect(await answer(4)).toContain('[[1,3],[2,4]]');
    await expect(answer(3)).rejects.toThrow('max-select-point limit exceeded: (4/3)');
    await engine.close();
  };
  await world.complete(work());
});
