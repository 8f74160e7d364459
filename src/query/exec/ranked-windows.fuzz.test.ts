import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';
import { shownCells } from '../../../test/support/shown-cells.ts';

const float = fc.oneof(fc.constantFrom(0, -0, 1, 2), fc.double({ noNaN: true, noDefaultInfinity: true })); // prettier-ignore
const integer = fc.oneof(fc.bigInt(-3n, 3n), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n));
const points = fc.array(
  fc.record({ host: fc.constantFrom('a', 'b'), timeNs: fc.integer({ min: 0, max: 90 }), float, integer }), // prettier-ignore
  { maxLength: 60 },
);
type Points = typeof points extends fc.Arbitrary<infer Some> ? Some : never;

/** A shard; that with another type has floats where others have integers. */
function sourceOf(some: Points, shardId: number, isOther: boolean): MemorySource {
  return new MemorySource(
    some.map(({ host, timeNs, float: f, integer: i }) => ({
      measurement: 'm',
      tags: { host },
      fields: { f, i: isOther ? Number(i) / 2 ** 32 : i },
      timeNs: BigInt(timeNs + 100 * shardId),
    })),
    { shardId },
  );
}

const calls = fc.constantFrom(
  'median(i)',
  'median(f)',
  'percentile(i, 50)',
  'percentile(f, 95)',
  'percentile(i, 99.9), median(i)',
  'percentile(f, 100), max(f)',
  'percentile(i, 20)',
  'difference(median(f))',
);
const question = fc.record({
  calls,
  where: fc.constantFrom('', 'AND f >= 0', "AND host = 'a'", "AND (host = 'a' OR i > 0)"),
  every: fc.constantFrom('7ns', '25ns', '1000ns', '10ns, 3ns'),
  by: fc.constantFrom('', ', host', ', *'),
  fill: fc.constantFrom('', 'fill(none)', 'fill(previous)', 'fill(7)'),
  order: fc.constantFrom('', 'ORDER BY time DESC'),
  limit: fc.constantFrom('', 'LIMIT 2', 'LIMIT 1 OFFSET 2'),
});

test('ranks: whoever has all rows of a group answers what is answered of rows from everywhere', async () => {
  let shown = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(points, fc.boolean()), { minLength: 1, maxLength: 3 }),
      fc.boolean(),
      fc.boolean(),
      question,
      async (shards, isApart, mayDiffer, asked) => {
        const nodes = shards.map(([some, isOther], at) => sourceOf(some, isApart ? at : 0, mayDiffer && isOther)); // prettier-ignore
        const { calls: list, where, every, by, fill, order, limit } = asked;
        const query = `SELECT ${list} FROM m WHERE time >= 3 AND time < 320 ${where} GROUP BY time(${every})${by} ${fill} ${order} ${limit}`;
        const [whole, parted] = [
          await runSelectOver(query, { nodes: nodes.slice(0, 1), isWhole: true }),
          await runSelectOver(query, { nodes: nodes.slice(0, 1), isWhole: false }),
        ];
        expect(shownCells(whole)).toEqual(shownCells(parted));
        // Rows of one time from several shards stand in an order of theirs where they come in several lanes.
        const several = isApart ? nodes : nodes.slice(0, 1);
        const answer = await runSelectOver(query, { nodes: several, isWhole: true });
        expect(shownCells(answer)).toEqual(shownCells(await runSelectOver(query, { nodes: several, isWhole: false }))); // prettier-ignore
        shown += answer.series.length;
      },
    ),
    { numRuns: 500, seed: 1 },
  );
  expect(shown).toBeGreaterThan(300);
});

test('ranks: the values of a window are charged to the query that holds them', async () => {
  const some = Array.from({ length: 5_000 }, (_, i) => ({ measurement: 'm', tags: { host: 'a' }, fields: { i: BigInt(i) }, timeNs: BigInt(i) })); // prettier-ignore
  const nodes = [new MemorySource(some, { batchRows: 1_000 })];
  const query = 'SELECT median(i) FROM m WHERE time >= 0 AND time < 5000 GROUP BY time(1h)';
  const { error } = await runSelectOver(query, { nodes, bytesMax: 20_000 });
  expect(error).toMatch(/max-query-memory limit exceeded/);
  const { error: none, series } = await runSelectOver(query, { nodes, bytesMax: 200_000 });
  expect(none).toBeUndefined();
  expect(series).toHaveLength(1);
});
