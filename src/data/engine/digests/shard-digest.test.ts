import { expect, test } from 'vitest';
import type { ShardSource, SourceArena } from '../../../query/source.ts';
import { seriesParts, sliceLengthNs, sliceOf, slicesPerPart, timeParts } from '../../../models/digest-grid.ts'; // prettier-ignore
import { sumWords, ValueSums } from './hash-values.ts';
import { digestShard } from './shard-digest.ts';

type Value = number | bigint | boolean | string;
type Points = Readonly<Record<string, Readonly<Record<string, readonly (readonly [bigint, Value])[]>>>>; // prettier-ignore

/** Series of measurement m with their fields; batches of `rows` rows. */
function source(points: Points, rows: number): { source: ShardSource; arena: SourceArena } {
  const memory = new WebAssembly.Memory({ initial: 4 });
  let end = 0;
  const allocate = (lengthBytes: number): number => {
    const at = end;
    end = Math.ceil((end + lengthBytes) / 8) * 8;
    return at;
  };
  const keys = Object.keys(points);
  const names = [...new Set(keys.flatMap((key) => Object.keys(points[key] ?? {})))];
  const typeOf = (value: Value) =>
    ({ number: 'float', bigint: 'integer', boolean: 'boolean', string: 'string' } as const)[typeof value as 'number']; // prettier-ignore
  const batchOf = (part: readonly (readonly [bigint, Value])[]) => {
    const [timesPtr, valuesPtr] = [allocate(part.length * 8), allocate(part.length * 8)];
    const { buffer } = memory;
    new BigInt64Array(buffer, timesPtr, part.length).set(part.map(([time]) => time));
    for (const [row, [, value]] of part.entries()) {
      if (typeof value === 'number') new Float64Array(buffer, valuesPtr, part.length)[row] = value;
      else if (typeof value === 'bigint')
        new BigInt64Array(buffer, valuesPtr, part.length)[row] = value; // prettier-ignore
      else if (typeof value === 'boolean')
        new Uint8Array(buffer, valuesPtr, part.length)[row] = Number(value); // prettier-ignore
      else {
        const bytes = Buffer.from(value);
        const at = allocate(bytes.length);
        new Uint8Array(buffer, at, bytes.length).set(bytes);
        new Uint32Array(buffer, valuesPtr, part.length * 2).set([at, bytes.length], row * 2);
      }
    }
    return { type: typeOf(part[0]?.[1] ?? 0), count: part.length, timesPtr, valuesPtr };
  };
  const shard = {
    measurements: () => ['m'],
    fields: () => names.map((name) => ({ name, type: 'float' })),
    *seriesIds() {
      yield;
      return keys.map((_, id) => id);
    },
    seriesKey: (id: number) => keys[id] ?? '',
    openCursor: ({ seriesId, field }: { seriesId: number; field: string }) => {
      const all = points[keys[seriesId] ?? '']?.[field] ?? [];
      let at = 0;
      return {
        next: () => {
          const part = all.slice(at, (at += rows));
          return part.length === 0 ? undefined : batchOf(part);
        },
      };
    },
  };
  const arena = { memory, allocate, mark: () => end, release: (mark: number) => (end = mark) };
  return { source: shard as unknown as ShardSource, arena: arena };
}

const range = { startNs: 0n, endNs: 25_600n };

function digest(points: Points, rows = 3): Uint32Array {
  const { source: shard, arena } = source(points, rows);
  let last: Uint32Array | undefined;
  for (const step of digestShard(shard, range, arena)) last = step;
  if (last === undefined) throw new Error('no digest');
  return last;
}

const times = Array.from({ length: 160 }, (_, i) => BigInt(i * 160));
const base: Points = {
  'm,h=a': {
    f: times.map((time) => [time, Number(time) / 7]),
    i: times.map((time) => [time, -time]),
    b: times.map((time) => [time, time % 320n === 0n]),
    s: times.map((time) => [time, `text ${time}`]),
  },
  'm,h=b': { f: [[-5n, 1.5], [5n, -0], [32_000n, Infinity]] },
}; // prettier-ignore

/** Parts in which two digests differ, as [series, time]. */
function differing(left: Uint32Array, right: Uint32Array): readonly (readonly [number, number])[] {
  const parts: [number, number][] = [];
  for (let part = 0; part < seriesParts * timeParts; part++) {
    const at = part * sumWords;
    if ([0, 1, 2].some((word) => left[at + word] !== right[at + word]))
      parts.push([Math.floor(part / timeParts), part % timeParts]);
  }
  return parts;
}

const changed = (
  field: string,
  at: number,
  point: readonly [bigint, Value] | undefined,
): Points => {
  const column = [...(base['m,h=a']?.[field] ?? [])];
  column.splice(at, 1, ...(point === undefined ? [] : [point]));
  return { ...base, 'm,h=a': { ...base['m,h=a'], [field]: column } };
};

test('digest: the same for the same points, in whichever batches and order of series they come', () => {
  const whole = digest(base);
  expect(differing(whole, digest(base, 100))).toEqual([]);
  const turned = Object.fromEntries(Object.entries(base).reverse());
  expect(differing(whole, digest(turned, 7))).toEqual([]);
  let count = 0;
  for (let at = 0; at < whole.length; at += sumWords) count += whole[at] ?? 0;
  expect(count).toBe(4 * 160 + 3);
  // Times beyond the group are in its first and its last part.
  expect(digest({ 'm,h=b': { f: [[-5n, 1]] } }).filter((word) => word === 1).length).toBe(1);
});

test('digest: one point less, another value, time, type or field changes the one part that it is in', () => {
  const whole = digest(base);
  const seriesOf = differing(whole, digest({ 'm,h=b': base['m,h=b'] ?? {} }))[0]?.[0];
  const cases: readonly (readonly [Points, number])[] = [
    [changed('f', 55, undefined), 5],
    [changed('f', 55, [8_800n, 8_800 / 7 + 1e-12]), 5],
    [changed('f', 55, [8_801n, 8_800 / 7]), 5],
    [changed('i', 100, [16_000n, 1_000n]), 10],
    [changed('b', 159, [25_440n, true]), 15],
    [changed('s', 0, [0n, 'text 1']), 0],
    [changed('s', 0, [0n, '']), 0],
  ];
  for (const [points, part] of cases) {
    const found = differing(whole, digest(points));
    expect(found).toEqual([[seriesOf, part]]);
  }
  const renamed = { ...base, 'm,h=b': { g: base['m,h=b']?.['f'] ?? [] } };
  expect(differing(whole, digest(renamed)).length).toBeGreaterThan(0);
  const swapped = digest({ 'm,h=a': { f: [[1n, 2], [2n, 1]] } }); // prettier-ignore
  expect(differing(swapped, digest({ 'm,h=a': { f: [[1n, 1], [2n, 2]] } })).length).toBe(1); // prettier-ignore
});

test('digest: a time is counted in the part that it is in, to the nanosecond, in groups of years too', () => {
  const memory = new WebAssembly.Memory({ initial: 1 });
  const arena = { memory } as unknown as SourceArena;
  const years = { startNs: 1_234_567n, endNs: 1_234_567n + 10n * 365n * 86_400_000_000_000n };
  const lengthNs = sliceLengthNs(years) * BigInt(slicesPerPart);
  const sums = new ValueSums(new Uint32Array(timeParts * sumWords), { startNs: years.startNs, lengthNs, count: timeParts }); // prettier-ignore
  for (let part = 1; part < timeParts; part++)
    for (const offNs of [-2n, -1n, 0n, 1n]) {
      sums.words.fill(0);
      const timeNs = years.startNs + BigInt(part) * lengthNs + offNs;
      new BigInt64Array(memory.buffer, 0, 1)[0] = timeNs;
      sums.add({ type: 'float', count: 1, timesPtr: 0, valuesPtr: 8 }, { low: 1, high: 2 }, { arena, at: 0 }); // prettier-ignore
      const counted = Math.floor(sums.words.indexOf(1) / sumWords);
      expect(counted).toBe(Math.floor(sliceOf(years, timeNs) / slicesPerPart));
    }
});
