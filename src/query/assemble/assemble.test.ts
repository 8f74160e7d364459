import { expect, test } from 'vitest';
import { memoryArena, MemorySource } from '../../../test/support/memory-source.ts';
import type { OutputSeries } from '../emit/result.ts';
import { cellValue } from '../exec/column-builder.ts';
import { FragmentContext } from '../exec/context.ts';
import { runFragment, type FragmentBlock } from '../exec/run-fragment.ts';
import { fragmentVersion, type Fragment, type RowsBlock, type WindowsBlock } from '../fragment.ts';
import { fillColumn } from './fill.ts';
import { assembleRows } from './rows.ts';
import { assembleWindows, type WindowsOutput } from './windows.ts';

const allParts = ['count', 'sum', 'min', 'max', 'first', 'last'] as const;

const hosts = ['a', 'b', 'c'];
const points = hosts.flatMap((host, h) =>
  Array.from({ length: 20 }, (_, i) => ({
    measurement: 'cpu',
    tags: { host },
    fields: { v: i + h * 100, i: BigInt(i) },
    timeNs: BigInt(i * 5),
  })),
);

/** The blocks of a fragment run at each of `nodes`, as streams. */
function streams<Block extends FragmentBlock>(plan: Fragment, nodes: readonly MemorySource[]) {
  return nodes.map((node) => {
    const context = new FragmentContext(memoryArena(), () => () => true, () => false); // prettier-ignore
    const blocks = runFragment(plan, [node], context);
    return { next: () => Promise.resolve(blocks.next() as IteratorResult<Block, undefined>) };
  });
}

function plan(part: Partial<Fragment> & Pick<Fragment, 'task'>): Fragment {
  return {
    version: fragmentVersion,
    measurement: 'cpu',
    shardIds: [],
    minTimeNs: -10_000n,
    maxTimeNs: 10_000n,
    ascending: true,
    groupBy: [],
    ...part,
  };
}

async function table(series: AsyncIterable<OutputSeries>): Promise<unknown[]> {
  const out: unknown[] = [];
  for await (const one of series) {
    if (one.kind !== 'columns') throw new Error('columns expected');
    const tags = (one.tags ?? []).map(([, value]) => value);
    for (let row = one.start; row < one.end; row++)
      out.push([...tags, one.timesNs[row], ...one.values.map((column) => cellValue(column, row))]);
  }
  return out;
}

const rowsTask = {
  kind: 'rows',
  columns: [{ kind: 'field', name: 'v', type: 'float' }],
  rowsMax: 0,
} as const;
const rowsOutput = {
  name: 'cpu',
  groupBy: [],
  timeLabel: 'time',
  columns: ['v'],
  types: ['float'],
  ascending: true,
  limit: 0,
  offset: 0,
  seriesLimit: 0,
  seriesOffset: 0,
} as const;

test('rows: many nodes answer as one node does, ascending and descending', async () => {
  for (const ascending of [true, false]) {
    const fragment = plan({ task: rowsTask, ascending });
    const output = { ...rowsOutput, ascending };
    const one = await table(assembleRows(streams<RowsBlock>(fragment, [new MemorySource(points)]), output)); // prettier-ignore
    const byHost = hosts.map(
      (host) => new MemorySource(points.filter((p) => p.tags.host === host)),
    );
    const byTime = [false, true].map((late) => new MemorySource(points.filter((p) => p.timeNs > 40n === late))); // prettier-ignore
    expect(one).toHaveLength(60);
    for (const nodes of [byHost, byTime])
      expect(await table(assembleRows(streams<RowsBlock>(fragment, nodes), output))).toEqual(one);
  }
});

test('rows: limit and offset count per series', async () => {
  const fragment = plan({ task: rowsTask, groupBy: ['host'] });
  const output = { ...rowsOutput, groupBy: ['host'], limit: 2, offset: 3 };
  expect(await table(assembleRows(streams<RowsBlock>(fragment, [new MemorySource(points)]), output))).toEqual([
    ['a', 15n, 3],
    ['a', 20n, 4],
    ['b', 15n, 103],
    ['b', 20n, 104],
    ['c', 15n, 203],
    ['c', 20n, 204],
  ]); // prettier-ignore
});

test('rows: SLIMIT and SOFFSET count groups by their tags, whatever the direction', async () => {
  const check = async (ascending: boolean, page: [number, number], want: string[]) => {
    const fragment = plan({ task: rowsTask, groupBy: ['host'], ascending });
    const [seriesLimit, seriesOffset] = page;
    const groups = { groupBy: ['host'], ascending, limit: 1, seriesLimit, seriesOffset };
    const series = streams<RowsBlock>(fragment, [new MemorySource(points)]);
    const rows = await table(assembleRows(series, { ...rowsOutput, ...groups }));
    expect(rows.map((row) => (row as unknown[])[0])).toEqual(want);
  };
  await check(true, [0, 0], ['a', 'b', 'c']);
  await check(true, [2, 0], ['a', 'b']);
  await check(true, [1, 1], ['b']);
  await check(true, [0, 2], []);
  await check(true, [5, 3], []);
  await check(false, [2, 0], ['b', 'a']);
  await check(false, [1, 2], ['c']);
});

const windowsTask = {
  kind: 'windows',
  fields: [
    { name: 'v', type: 'float', parts: allParts },
    { name: 'i', type: 'integer', parts: allParts },
  ],
  intervalNs: 25n,
  offsetNs: 0n,
} as const;
const windowsOutput: WindowsOutput = {
  name: 'cpu',
  groupBy: [],
  task: windowsTask,
  calls: [
    { call: 'mean', field: 0 },
    { call: 'count', field: 1 },
    { call: 'max', field: 1 },
  ],
  timeLabel: 'time',
  columns: ['mean', 'count', 'max'],
  fill: { kind: 'null' },
  minTimeNs: 20n,
  maxTimeNs: 149n,
  ascending: true,
  limit: 0,
  offset: 0,
  seriesLimit: 0,
  seriesOffset: 0,
  bucketsMax: 0,
};

test('windows: nodes merge exactly, empty windows are filled, counts with 0', async () => {
  const fragment = plan({ task: windowsTask, minTimeNs: 20n, maxTimeNs: 149n });
  const nodes = hosts.map((host) => new MemorySource(points.filter((p) => p.tags.host === host)));
  const got = await table(assembleWindows(streams<WindowsBlock>(fragment, nodes), windowsOutput));
  expect(got).toEqual([
    [0n, 104, 3n, 4n],
    [25n, 107, 15n, 9n],
    [50n, 112, 15n, 14n],
    [75n, 117, 15n, 19n],
    [100n, null, 0n, null],
    [125n, null, 0n, null],
  ]);
  const descending = { ...windowsOutput, ascending: false, limit: 2, offset: 1 };
  expect(await table(assembleWindows(streams<WindowsBlock>(fragment, nodes), descending))).toEqual([
    [100n, null, 0n, null],
    [75n, 117, 15n, 19n],
  ]);
});

test('windows: without an interval a lone selector keeps its time, all else has the lower bound', async () => {
  const whole = { ...windowsTask, intervalNs: 0n };
  const fragment = plan({ task: whole });
  const node = () => streams<WindowsBlock>(fragment, [new MemorySource(points)]);
  const output = { ...windowsOutput, task: whole, minTimeNs: undefined };
  const max = { call: 'max', field: 0, name: 'max' } as const;
  const min = { call: 'min', field: 0, name: 'min' } as const;
  expect(await table(assembleWindows(node(), { ...output, calls: [max] }))).toEqual([[95n, 219]]);
  expect(await table(assembleWindows(node(), { ...output, calls: [max, min] }))).toEqual([[0n, 219, 0]]); // prettier-ignore
});

test('windows: more buckets than allowed is an error, not an exhausted machine', async () => {
  const fragment = plan({ task: { ...windowsTask, intervalNs: 1n } });
  const output = { ...windowsOutput, task: fragment.task as WindowsOutput['task'] };
  const run = (more: Partial<WindowsOutput>) =>
    table(assembleWindows(streams<WindowsBlock>(fragment, [new MemorySource(points)]), { ...output, ...more })); // prettier-ignore
  await expect(run({ bucketsMax: 100 })).rejects.toThrow(
    'max-select-buckets limit exceeded: (130/100)',
  );
  await expect(run({ maxTimeNs: 10n ** 18n })).rejects.toThrow('max-select-buckets limit exceeded');
});

test('fill: previous and linear look no further than the rows, integers truncate', () => {
  const values = [null, 1n, null, null, 5n, null];
  expect(fillColumn(values, 'integer', { kind: 'previous' }, true)).toEqual([
    null,
    1n,
    1n,
    1n,
    5n,
    5n,
  ]);
  expect(fillColumn(values, 'integer', { kind: 'previous' }, false)).toEqual([
    1n,
    1n,
    5n,
    5n,
    5n,
    null,
  ]);
  expect(fillColumn(values, 'integer', { kind: 'linear' }, true)).toEqual([
    null,
    1n,
    2n,
    3n,
    5n,
    null,
  ]);
  expect(fillColumn([1, null, 2], 'float', { kind: 'linear' }, true)).toEqual([1, 1.5, 2]);
  expect(fillColumn([null, 'x'], 'string', { kind: 'number', value: 3 }, true)).toEqual([
    null,
    'x',
  ]);
});
