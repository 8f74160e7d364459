import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLines } from '../../models/line-protocol.ts';
import { seriesKey } from '../../models/series-key.ts';
import { makeStamp, stampBatch } from '../../models/stamp.ts';
import {
  batchOf,
  deleteOf,
  kept,
  openStore,
  readField,
  silent,
} from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Log } from '../../env/log.ts';
import type { Store } from './store.ts';

const line = fc
  .tuple(
    fc.constantFrom('m', 'm,t=a', 'm,t=b', 'n'),
    fc.constantFrom('f', 'i', 'fi', 's', 'fs'),
    fc.integer({ min: 0, max: 6 }),
  )
  .map(([key, fields, time]) => ({ key, fields, time }));
const batch = fc.array(line, { minLength: 1, maxLength: 8 });

/** What a coordinator says: some lines, or a delete of the points of some series. */
interface Delete {
  readonly filter: string;
  readonly from: number;
  readonly to: number;
}
type Said = readonly { readonly key: string; readonly fields: string; readonly time: number }[] | Delete; // prettier-ignore
const erased = fc.record<Delete>({
  filter: fc.constantFrom('m', 'm,t=a', 'n'),
  from: fc.integer({ min: 0, max: 6 }),
  to: fc.integer({ min: 0, max: 6 }),
});
const said: fc.Arbitrary<Said> = fc.oneof({ weight: 3, arbitrary: batch }, { weight: 1, arbitrary: erased }); // prettier-ignore

function isDelete(one: Said): one is Delete {
  return 'from' in one;
}

/** What an owner does between two batches. */
const step = fc.constantFrom('nothing', 'nothing', 'nothing', 'flush', 'compact', 'again');

interface Owner {
  /** Keys to sort the batches by. */
  readonly order: readonly number[];
  readonly steps: readonly ('nothing' | 'flush' | 'compact' | 'again')[];
}

const owner = fc.record<Owner>({
  order: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
  steps: fc.array(step, { minLength: 8, maxLength: 8 }),
});

function textOf({ key, fields, time }: { key: string; fields: string; time: number }, n: number) {
  const values = fields.split('').map((name) => `${name}=${name === 'i' ? `${n}i` : name === 's' ? `"${n}"` : n}`); // prettier-ignore
  return `${key} ${values.join()} ${time}`;
}

function stamped(lines: readonly string[], ns: number, node: number): Uint8Array {
  const payload = batchOf(lines.join('\n'));
  stampBatch(payload, makeStamp(BigInt(ns), node));
  return payload;
}

const columns = ['m f', 'm i', 'm s', 'n f', 'n i', 'n s'] as const;

function held(store: Store): readonly string[] {
  return columns.flatMap((column) => {
    const [measurement = '', field = ''] = column.split(' ');
    return readField(store, measurement, field).map(({ time, value }) => `${column} ${time} ${value}`); // prettier-ignore
  });
}

/** What must be held: of each point the value with the latest stamp, unless a delete has a later one. */
function wanted(all: readonly Said[]): readonly string[] {
  const series = new Map<string, Map<string, string>>();
  for (const [n, one] of all.entries()) {
    if (isDelete(one)) {
      erase(series, one);
      continue;
    }
    const lines = one.map((line) => textOf(line, n));
    for (const { measurement, tags, fields, timeNs } of parseLines(Buffer.from(lines.join('\n')), {
      stepNs: 1n,
      defaultTimeNs: 0n,
    }).points)
      // prettier-ignore
      for (const [name, { value }] of fields) {
        const column = `${measurement} ${name}`;
        const rows = series.get(`${column}|${seriesKey(measurement, tags)}`) ?? new Map<string, string>(); // prettier-ignore
        series.set(`${column}|${seriesKey(measurement, tags)}`, rows.set(String(timeNs), String(value))); // prettier-ignore
      }
  }
  return [...series].flatMap(([key, rows]) =>
    [...rows].map(([time, value]) => `${key.split('|')[0] ?? ''} ${time} ${value}`),
  );
}

function deletion({ filter, from, to }: Delete, stamp: bigint) {
  return deleteOf(filter, { minTimeNs: BigInt(from), maxTimeNs: BigInt(to) }, stamp);
}

function erase(
  series: ReadonlyMap<string, Map<string, string>>,
  { filter, from, to }: Delete,
): void {
  for (const [name, rows] of series) {
    const key = name.split('|')[1] ?? '';
    if (key !== filter && !key.startsWith(`${filter},`)) continue;
    for (let time = from; time <= to; time++) rows.delete(String(time));
  }
}

/** The numbers of what was drawn, as they come. */
function turnsOf(drawn: readonly Said[], order: readonly number[]): readonly number[] {
  return [...drawn.keys()].sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0));
}

/** Two coordinators take turns; some of their stamps have the same time. */
async function give(store: Store, drawn: readonly Said[], n: number): Promise<void> {
  const one = drawn[n] ?? [];
  const [ns, node] = [100 + (n >> 1), (n & 1) + 1];
  if (!isDelete(one))
    await store.write(kept, stamped(one.map((line) => textOf(line, n)), ns, node)); // prettier-ignore
  else await store.deletePoints(kept.shardId, deletion(one, makeStamp(BigInt(ns), node)), kept);
}

test('store: owners that get the same batches and deletes in any order, some twice, end equal: the latest stamp counts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(said, { minLength: 2, maxLength: 8 }),
      fc.array(owner, { minLength: 2, maxLength: 3 }),
      async (drawn, owners) => {
        const world = new World(1);
        for (const [at, { order, steps }] of owners.entries()) {
          const { disk, clock } = world.addNode(`o${at}`).env;
          const work = async (): Promise<void> => {
            const store = await openStore(disk, clock);
            const turns = turnsOf(drawn, order);
            for (const [i, n] of turns.entries()) {
              await give(store, drawn, n);
              const next = steps[i];
              if (next === 'flush') await store.flush(kept.shardId);
              if (next === 'compact') await store.compact(kept.shardId);
              if (next === 'again') await give(store, drawn, turns[i >> 1] ?? 0);
            }
            expect([...held(store)].sort()).toEqual([...wanted(drawn)].sort());
            await store.flush(kept.shardId);
            await store.compact(kept.shardId);
            expect([...held(store)].sort()).toEqual([...wanted(drawn)].sort());
            await store.close();
          };
          await world.complete(work());
        }
      },
    ),
    { numRuns: 150, seed: 7 },
  );
});

interface Run {
  readonly drawn: readonly Said[];
  readonly order: readonly number[];
  readonly steps: readonly ('nothing' | 'flush' | 'compact' | 'again' | 'restart')[];
}

/** What an owner that is started anew now and then says to batches and deletes in some order: what it warns of, and what it has. */
async function runAnew({ drawn, order, steps }: Run, logKeptBytes: number) {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const warnings: string[] = [];
  const log = { ...silent, warn: (text: string) => warnings.push(text) };
  const open = (): Promise<Store> => openStore(disk, clock, { log, logKeptBytes, segmentBytesMax: 200 }); // prettier-ignore
  const work = async (): Promise<readonly string[]> => {
    let store = await open();
    const turns = turnsOf(drawn, order);
    for (const [i, n] of turns.entries()) {
      await give(store, drawn, n);
      const next = steps[i];
      if (next === 'flush') await store.flush(kept.shardId);
      if (next === 'compact') await store.compact(kept.shardId);
      if (next === 'again') await give(store, drawn, turns[i >> 1] ?? 0);
      if (next !== 'restart') continue;
      await store.close();
      store = await open();
    }
    const all = held(store);
    await store.close();
    return [...all].sort();
  };
  return { held: await world.complete(work()), warnings };
}

const runs = fc.record<Run>({
  drawn: fc.array(said, { minLength: 2, maxLength: 8 }),
  order: fc.array(fc.nat(), { minLength: 8, maxLength: 8 }),
  steps: fc.array(
    fc.constantFrom('nothing', 'flush', 'flush', 'compact', 'again', 'restart', 'restart'),
    { minLength: 8, maxLength: 8 },
  ),
});

test('store: an owner that is started anew ends equal too, as far as the log goes back', async () => {
  await fc.assert(
    fc.asyncProperty(runs, async (run) => {
      const { held: has, warnings } = await runAnew(run, 1 << 20);
      expect({ has, warnings }).toEqual({ has: [...wanted(run.drawn)].sort(), warnings: [] });
    }),
    { numRuns: 300, seed: 8 },
  );
});

test('store: where the log does not go back so far an owner ends equal, or says that it may not', async () => {
  await fc.assert(
    fc.asyncProperty(runs, fc.integer({ min: 0, max: 1_200 }), async (run, keptBytes) => {
      const { held: has, warnings } = await runAnew(run, keptBytes);
      if (warnings.length === 0) expect(has).toEqual([...wanted(run.drawn)].sort());
    }),
    { numRuns: 300, seed: 9 },
  );
});

test('store: what was flushed before a restart tells by the stamps of its files', async () => {
  const world = new World(2);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const first = await openStore(disk, clock);
    await first.write(kept, stamped(['m f=1,i=1i 1', 'm f=1 2'], 10, 1));
    await first.flush(kept.shardId);
    await first.write(kept, stamped(['m f=3 1'], 30, 1));
    await first.flush(kept.shardId);
    await first.close();
    const store = await openStore(disk, clock);
    // A hint that waited elsewhere meanwhile: between the stamps of the two files.
    await store.write(kept, stamped(['m f=2,i=2i 1', 'm f=2 2', 'm f=2 3'], 20, 2));
    const f = ['3', '2', '2'].map((value, i) => ({ time: i + 1, value }));
    expect(readField(store, 'm', 'f')).toEqual(f);
    expect(readField(store, 'm', 'i')).toEqual([{ time: 1, value: '2' }]);
    await store.flush(kept.shardId);
    await store.compact(kept.shardId);
    expect(readField(store, 'm', 'f')).toEqual(f);
    await store.close();
    const again = await openStore(disk, clock);
    // Earlier than all of what has become one file.
    await again.write(kept, stamped(['m f=0 1', 'm f=0 4'], 5, 2));
    expect(readField(again, 'm', 'f')).toEqual([...f, { time: 4, value: '0' }]);
    await again.close();
  };
  await world.complete(work());
});

const always = { minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n };

test('store: a delete is remembered over a restart, a compaction and in a shard that has nothing', async () => {
  const world = new World(5);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const first = await openStore(disk, clock);
    const erase = deleteOf('m', always, makeStamp(20n, 1));
    await first.deletePoints(kept.shardId, erase);
    expect(first.facts.shardIds).toEqual([]);
    await first.deletePoints(kept.shardId, erase, kept);
    await first.write(kept, stamped(['m f=1 1', 'n f=1 1'], 10, 2));
    await first.write(kept, stamped(['m f=3 3'], 30, 2));
    expect(held(first)).toEqual(['m f 3 3', 'n f 1 1']);
    await first.close();
    const store = await openStore(disk, clock);
    expect(held(store)).toEqual(['m f 3 3', 'n f 1 1']);
    expect(await store.facts.latestStamp()).toBe(makeStamp(30n, 2));
    await store.flush(kept.shardId);
    await store.write(kept, stamped(['m f=2 2'], 19, 2));
    await store.compact(kept.shardId);
    await store.write(kept, stamped(['m f=2 2', 'n f=2 2'], 18, 2));
    expect(held(store)).toEqual(['m f 3 3', 'n f 1 1', 'n f 2 2']);
    await store.close();
  };
  await world.complete(work());
});

test('store: after a restart files tell what a late delete strikes: those before it, not those after it', async () => {
  const world = new World(6);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const first = await openStore(disk, clock);
    for (const [at, n] of [10, 30].entries()) {
      await first.write(kept, stamped([`m f=${n} ${at}`], n, 1));
      await first.flush(kept.shardId);
    }
    await first.close();
    const warnings: string[] = [];
    const log = { info: () => undefined, warn: (text: string) => warnings.push(text) } as unknown as Log; // prettier-ignore
    const store = await openStore(disk, clock, { log });
    await store.deletePoints(kept.shardId, deleteOf('m', always, makeStamp(20n, 2)));
    expect(held(store)).toEqual(['m f 1 30']);
    expect(warnings).toEqual([]);
    // Of one file with both nobody knows any more: it is said.
    await store.write(kept, stamped(['n f=1 1'], 50, 1));
    await store.flush(kept.shardId);
    await store.compact(kept.shardId);
    await store.close();
    const again = await openStore(disk, clock, { log, recentBytesMax: 1 });
    await again.deletePoints(kept.shardId, deleteOf('n', always, makeStamp(40n, 2)));
    expect(warnings).toEqual(['A delete was late: points that were written after it may be deleted too']); // prettier-ignore
    await again.close();
  };
  await world.complete(work());
});

test('store: a delete of a range that has no time deletes nothing', async () => {
  const world = new World(7);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m f=1 1\nm f=2 2'));
    const { select } = deleteOf('m', always, 1n);
    await store.deletePoints(kept.shardId, { select, range: { minTimeNs: 2n, maxTimeNs: 0n } });
    expect(held(store)).toEqual(['m f 1 1', 'm f 2 2']);
    await store.close();
  };
  await world.complete(work());
});

test('store: a batch that is brought twice is stored once, and acknowledged both times', async () => {
  const world = new World(3);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    const payload = stamped(['m f=1 1'], 10, 1);
    await store.write(kept, payload);
    const [one] = store.facts.numbers;
    await store.flush(kept.shardId);
    expect(await store.write(kept, payload)).toEqual({ droppedCount: 0, reason: '' });
    expect(one?.memtableBytes).toBeGreaterThan(0);
    expect(store.facts.numbers[0]?.memtableBytes).toBe(0);
    await store.close();
  };
  await world.complete(work());
});

test('store: a batch of a shard that is alone is not remembered: its file tells', async () => {
  const world = new World(4);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    await store.write({ ...kept, isAlone: true }, stamped(['m f=2 1'], 20, 1));
    await store.flush(kept.shardId);
    await store.write(kept, stamped(['m f=1 1', 'm f=1 2'], 10, 2));
    const rows = [{ time: 1, value: '2' }, { time: 2, value: '1' }]; // prettier-ignore
    expect(readField(store, 'm', 'f')).toEqual(rows);
    await store.close();
  };
  await world.complete(work());
});

test('store: the memory of a batch may be used again once it is written, and the batch is remembered', async () => {
  const world = new World(5);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    // The small one and the large one are remembered in memory of different kinds.
    const lines = Array.from({ length: 2_000 }, (_, i) => `m f=2 ${i + 2}`);
    for (const [at, lent] of [stamped(['m f=2 1'], 20, 1), stamped(lines, 21, 1)].entries()) {
      await store.write(kept, lent);
      lent.fill(at);
    }
    await store.flush(kept.shardId);
    await store.write(kept, stamped(['m f=1 1', 'm f=1 2', 'm f=1 5000'], 10, 2));
    const rows = readField(store, 'm', 'f').filter(({ value }) => value === '1');
    expect(rows).toEqual([{ time: 5_000, value: '1' }]);
    await store.close();
  };
  await world.complete(work());
});

test('store: a batch that is brought again long after does not come over what was written since, wherever that lies', async () => {
  const world = new World(6);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    // Nothing but the last batch is remembered whole.
    const store = await openStore(disk, clock, { recentBytesMax: 512 });
    const first = stamped(['m f=1 1'], 10, 1);
    await store.write(kept, first);
    await store.write(kept, stamped(['m f=2 1'], 20, 2));
    await store.write(kept, stamped(['n f=3 1'], 30, 2));
    await store.flush(kept.shardId);
    await store.write(kept, stamped(['n f=4 2'], 40, 2));
    await store.write(kept, first);
    expect(readField(store, 'm', 'f')).toEqual([{ time: 1, value: '2' }]);
    await store.close();
  };
  await world.complete(work());
});
