import { expect, test } from 'vitest';
import { minTimeNs } from '../../base/units.ts';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';

/** Windows of 10 from 0 to 60: host a has all of v and half of w, b has gaps, c has one point, d only w. */
const points = ['a', 'b', 'c', 'd'].flatMap((host, h) =>
  Array.from({ length: 12 }, (_, i) => i)
    .filter((i) => (host === 'b' ? i % 5 > 1 : host !== 'c' || i === 4))
    .map((i) => ({
      measurement: 'cpu',
      tags: { host, rack: h < 2 ? 'x' : 'y' },
      fields: {
        ...(host !== 'd' && { v: i + h * 0.25 }),
        ...((host !== 'a' || i < 6) && { w: BigInt(i * 3 - 9) }),
        ...(host === 'a' && { n: i === 3 ? Number.NaN : 1, text: `t${i}`, is: i > 3 }),
      },
      timeNs: BigInt(i * 5),
    })),
);
const one = [new MemorySource(points)];
const several = ['a', 'b', 'c', 'd'].map((host) => new MemorySource(points.filter(({ tags }) => tags.host === host))); // prettier-ignore

test('folded level: an answer without LIMIT is that of a LIMIT which nothing reaches', async () => {
  const lists = [
    'mean(v)',
    'mean(v), mean(w)',
    'count(v), sum(w), spread(v)',
    'max(w)',
    'last(w)',
    'first(text)',
    'max(is), count(text)',
    'sum(n), mean(v)',
    'mean(v) * 2 + max(w)',
    'count(nosuch)',
  ];
  const fills = ['', ' fill(none)', ' fill(previous)', ' fill(linear)', ' fill(7)'];
  const times = fills.map((fill) => `GROUP BY time(10ns), host${fill}`);
  const clauses = ['', 'GROUP BY host', 'GROUP BY rack', 'GROUP BY time(10ns)', ...times];
  // All of them end: windows go on to now() otherwise.
  const ranges = ['WHERE time >= 0 AND time < 60', 'WHERE time >= 20 AND time < 40', 'WHERE time < 60']; // prettier-ignore
  let seriesCount = 0;
  for (const list of lists)
    for (const range of ranges)
      for (const clause of clauses)
        for (const order of ['', ' ORDER BY time DESC']) {
          const query = `SELECT ${list} FROM cpu ${range} ${clause}${order}`;
          for (const nodes of [one, several]) {
            const answer = await runSelectOver(query, { nodes });
            const general = await runSelectOver(`${query} LIMIT 1000000`, { nodes });
            expect([query, answer]).toEqual([query, general]);
            seriesCount += answer.series.length;
          }
        }
  expect(seriesCount).toBeGreaterThan(1_500);
});

test('folded level: windows that reach before the beginning of time show 1970, in their place', async () => {
  const intervalNs = 6_048_000_000_000_000_000n;
  const places = [minTimeNs, minTimeNs + 1n, -intervalNs - 1n, -intervalNs, -1n, 1n];
  const far = places.flatMap(
    (timeNs, i) => ['a', 'b'].map((host) => ({ measurement: 'far', tags: { host }, fields: { v: BigInt(i) }, timeNs })), // prettier-ignore
  );
  const nodes = ['a', 'b'].map((host) => new MemorySource(far.filter(({ tags }) => tags.host === host))); // prettier-ignore
  const query = `SELECT sum(v) FROM far WHERE time > ${minTimeNs - 1n} GROUP BY time(${intervalNs}ns) fill(none)`;
  const shown = async (text: string): Promise<unknown> => {
    const { series } = await runSelectOver(text, { nodes });
    return series.map((one) => one.kind === 'columns' && [one.timesNs, one.values[0]?.values]); // prettier-ignore
  };
  const timesNs = [0n, -intervalNs, 0n];
  const sums = [6n, 14n, 10n];
  expect(await shown(query)).toEqual([[BigInt64Array.from(timesNs), BigInt64Array.from(sums)]]);
  const [back, sumsBack] = [timesNs.toReversed(), sums.toReversed()];
  expect(await shown(`${query} ORDER BY time DESC`)).toEqual([
    [BigInt64Array.from(back), BigInt64Array.from(sumsBack)],
  ]);
});
