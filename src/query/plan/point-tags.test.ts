import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';
import { cellValue } from '../exec/columns/column-builder.ts';

const points = ['a', 'b', 'c'].map((host, i) => ({ measurement: 'm', tags: { host }, fields: { v: i + 1 }, timeNs: 1n })); // prettier-ignore

/** What the column `host` of an answer has, and which columns are tags of points that are written. */
async function hostsOf(query: string): Promise<unknown> {
  const { series, error } = await runSelectOver(query, { nodes: [new MemorySource(points)] });
  expect(error).toBeUndefined();
  const [one] = series;
  if (one?.kind !== 'columns') throw new Error('columns expected');
  const { columns, values, timesNs, pointTags } = one;
  const column = values[columns.indexOf('host') - 1];
  return {
    hosts: Array.from(timesNs, (_time, row) => column && cellValue(column, row)),
    pointTags,
  };
}

test.each(['m', '(SELECT v FROM m)', '(SELECT v FROM (SELECT * FROM m))', '(SELECT mean(v) AS v FROM m)'])(
  'point tags: what top() of %s parts its points by is a tag of what INTO writes',
  async (source) => {
    const query = `SELECT top(v, host, 2) INTO t FROM ${source}`;
    expect(await hostsOf(query)).toEqual({ hosts: ['c', 'b'], pointTags: [1] });
  },
); // prettier-ignore

test('point tags: without a target a subquery shows no tag that it does not list', async () => {
  const query = 'SELECT top(v, host, 2) FROM (SELECT v FROM m)';
  expect(await hostsOf(query)).toEqual({ hosts: [null, null], pointTags: [] });
});
