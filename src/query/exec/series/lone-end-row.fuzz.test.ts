import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemorySource, type MemoryPoint } from '../../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../../test/support/run-select.ts';
import { shownCells } from '../../../../test/support/shown-cells.ts';
import type { EndRowRequest, EndRowValues, SourceArena } from '../../source.ts';

/** One that tells the whole row at the end of a series, as shards do. */
class WithEndRows extends MemorySource {
  told = 0;

  endRow({ fields, ...request }: EndRowRequest, arena: SourceArena): EndRowValues | undefined {
    const ends = fields.map((field) => this.end({ ...request, field }, arena));
    const times = ends.flatMap((end) => end?.timeNs ?? []).sort((a, b) => (a < b ? -1 : 1));
    const timeNs = request.ascending ? times[0] : times.at(-1);
    if (timeNs === undefined) return undefined;
    this.told++;
    return { timeNs, values: ends.map((end) => (end?.timeNs === timeNs ? end.value : undefined)) };
  }
}

const integer = fc.oneof(fc.bigInt(-3n, 3n), fc.constantFrom(-(2n ** 63n), 2n ** 63n - 1n));
const fields = fc.record(
  {
    b: fc.boolean(),
    f: fc.double({ noNaN: true, noDefaultInfinity: true }),
    i: integer,
    s: fc.string({ maxLength: 4 }),
  },
  { requiredKeys: [] },
);
const tags = fc.constantFrom<Record<string, string>>(
  { host: 'a' },
  { host: 'b', rack: '1' },
  { host: 'b', rack: '2' },
  { host: 'ü, =', rack: '1' },
  { rack: '' },
);
const points = fc.array(
  fc.record({ tags, timeNs: fc.bigInt(0n, 9n), fields: fields.filter((one) => Object.keys(one).length > 0) }), // prettier-ignore
  { maxLength: 14 },
);
const question = fc.record({
  list: fc.constantFrom('*', 'i', 'f, i', 's, host', 'b, rack, host', 'i + 1', 'f, nothing', 'i::float, f::integer'), // prettier-ignore
  where: fc.constantFrom('', 'WHERE time >= 2', 'WHERE time < 105', "WHERE host = 'b'", "WHERE i > 0 AND host != 'a'"), // prettier-ignore
  by: fc.constantFrom('', 'GROUP BY host', 'GROUP BY host, rack', 'GROUP BY *'),
  order: fc.constantFrom('', 'ORDER BY time DESC'),
  limit: fc.constantFrom('LIMIT 1', 'LIMIT 1', 'LIMIT 1 SLIMIT 2', 'LIMIT 2', 'LIMIT 1 OFFSET 1'),
  shards: fc.constantFrom(1, 1, 2),
});

/** In the second shard integers are floats where `isOther`. */
function sourcesOf<T>(
  some: readonly Omit<MemoryPoint, 'measurement'>[],
  isOther: boolean,
  make: (points: readonly MemoryPoint[], options: { readonly shardId: number }) => T,
): T[] {
  const of = (shardId: number) =>
    some.map(({ tags: own, fields: { i, ...rest }, timeNs }): MemoryPoint => {
      const whole = shardId === 2 && isOther && i !== undefined ? Number(i) : i;
      return { measurement: 'm', tags: own, fields: { ...rest, ...(whole !== undefined && { i: whole }) }, timeNs: timeNs + BigInt(100 * (shardId - 1)) }; // prettier-ignore
    });
  return [make(of(1), { shardId: 1 }), make(of(2).slice(some.length >> 2), { shardId: 2 })];
}

test('lone end row: LIMIT 1 shows the row that streams of rows show first', async () => {
  let told = 0;
  await fc.assert(
    fc.asyncProperty(
      points,
      question,
      fc.boolean(),
      async (some, { list, where, by, order, limit, shards }, isOther) => {
        const query = `SELECT ${list} FROM m ${where} ${by} ${order} ${limit}`;
        const ends = sourcesOf(
          some,
          isOther,
          (all, options) => new WithEndRows(all, options),
        ).slice(-shards);
        const plain = sourcesOf(
          some,
          isOther,
          (all, options) => new MemorySource(all, options),
        ).slice(-shards);
        const shown = shownCells(await runSelectOver(query, { nodes: ends, isWhole: true }));
        expect(shown).toEqual(
          shownCells(await runSelectOver(query, { nodes: plain, isWhole: true })),
        );
        told += ends.reduce((sum, source) => sum + source.told, 0);
      },
    ),
    { seed: 1, numRuns: 400 },
  );
  expect(told).toBeGreaterThan(100);
});
