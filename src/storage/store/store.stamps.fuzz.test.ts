import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseLines } from '../../models/line-protocol.ts';
import { seriesKey } from '../../models/series-key.ts';
import { makeStamp, stampBatch } from '../../models/stamp.ts';
import { batchOf, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import type { Store } from './store.ts';

const line = fc
  .tuple(
    fc.constantFrom('m', 'm,t=a', 'm,t=b', 'n'),
    fc.constantFrom('f', 'i', 'fi', 's', 'fs'),
    fc.integer({ min: 0, max: 6 }),
  )
  .map(([key, fields, time]) => ({ key, fields, time }));
const batch = fc.array(line, { minLength: 1, maxLength: 8 });

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

/** What must be held: of each point the value with the latest stamp. */
function wanted(batches: readonly (readonly string[])[]): readonly string[] {
  const series = new Map<string, Map<string, string>>();
  for (const lines of batches)
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
  return [...series].flatMap(([key, rows]) =>
    [...rows].map(([time, value]) => `${key.split('|')[0] ?? ''} ${time} ${value}`),
  );
}

test('store: owners that get the same batches in any order, some twice, end equal: the latest stamp counts', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(batch, { minLength: 2, maxLength: 8 }),
      fc.array(owner, { minLength: 2, maxLength: 3 }),
      async (drawn, owners) => {
        const texts = drawn.map((lines, n) => lines.map((one) => textOf(one, n)));
        // Two coordinators take turns; some of their stamps have the same time.
        const payloads = texts.map((lines, n) => stamped(lines, 100 + (n >> 1), (n & 1) + 1));
        const world = new World(1);
        for (const [at, { order, steps }] of owners.entries()) {
          const { disk, clock } = world.addNode(`o${at}`).env;
          const work = async (): Promise<void> => {
            const store = await openStore(disk, clock);
            const turns = [...payloads.keys()].sort((a, b) => (order[a] ?? 0) - (order[b] ?? 0));
            for (const [i, n] of turns.entries()) {
              await store.write(kept, payloads[n] ?? new Uint8Array());
              const next = steps[i];
              if (next === 'flush') await store.flush(kept.shardId);
              if (next === 'compact') await store.compact(kept.shardId);
              if (next === 'again') await store.write(kept, payloads[turns[i >> 1] ?? 0] ?? new Uint8Array()); // prettier-ignore
            }
            expect([...held(store)].sort()).toEqual([...wanted(texts)].sort());
            await store.flush(kept.shardId);
            await store.compact(kept.shardId);
            expect([...held(store)].sort()).toEqual([...wanted(texts)].sort());
            await store.close();
          };
          await world.complete(work());
        }
      },
    ),
    { numRuns: 150, seed: 7 },
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

test('store: a batch that is brought twice is stored once, and acknowledged both times', async () => {
  const world = new World(3);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    const payload = stamped(['m f=1 1'], 10, 1);
    await store.write(kept, payload);
    const [one] = store.numbers;
    await store.flush(kept.shardId);
    expect(await store.write(kept, payload)).toEqual({ droppedCount: 0, reason: '' });
    expect(one?.memtableBytes).toBeGreaterThan(0);
    expect(store.numbers[0]?.memtableBytes).toBe(0);
    await store.close();
  };
  await world.complete(work());
});

test('store: a batch whose memory is used again is not remembered: its file tells', async () => {
  const world = new World(4);
  const { disk, clock } = world.addNode('a').env;
  const work = async (): Promise<void> => {
    const store = await openStore(disk, clock);
    const lent = stamped(['m f=2 1'], 20, 1);
    await store.write({ ...kept, isLent: true }, lent);
    await store.flush(kept.shardId);
    lent.fill(255);
    await store.write(kept, stamped(['m f=1 1', 'm f=1 2'], 10, 2));
    const rows = [{ time: 1, value: '2' }, { time: 2, value: '1' }]; // prettier-ignore
    expect(readField(store, 'm', 'f')).toEqual(rows);
    await store.close();
  };
  await world.complete(work());
});
