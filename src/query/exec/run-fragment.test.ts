import { blocksOf } from '../../../test/support/blocks-of.ts';
import { expect, test } from 'vitest';
import {
  memoryArena,
  MemorySource,
  type MemoryPoint,
} from '../../../test/support/memory-source.ts';
import { fragmentVersion, type Fragment, type WindowSummary } from '../fragment.ts';
import type { ColumnCursor, CursorRequest } from '../source.ts';
import type { Predicate } from '../predicate.ts';
import { cellValue } from './columns/column-builder.ts';
import { FragmentContext } from './context.ts';
import { runFragment } from './run-fragment.ts';
import { NodeAccount, QueryAccount } from '../run/query-account.ts';

const allParts = ['count', 'sum', 'min', 'max', 'first', 'last'] as const;

const matcher = (pattern: string) => (text: string) => new RegExp(pattern).test(text);
const idle = () => new FragmentContext(memoryArena(), matcher, () => false);

function point(host: string, timeNs: bigint, fields: MemoryPoint['fields']): MemoryPoint {
  return { measurement: 'cpu', tags: { host }, fields, timeNs };
}

function fragment(part: Partial<Fragment> & Pick<Fragment, 'task'>): Fragment {
  return {
    version: fragmentVersion,
    measurement: 'cpu',
    shardIds: [1],
    minTimeNs: -1_000n,
    maxTimeNs: 1_000n,
    ascending: true,
    groupBy: [],
    ...part,
  };
}

const rowsOf = (columns: Fragment['task'] & { kind: 'rows' }) => columns;
const valueAndHost = rowsOf({
  kind: 'rows',
  columns: [
    { kind: 'field', name: 'v', type: 'float' },
    { kind: 'field', name: 's', type: 'string' },
    { kind: 'tag', name: 'host' },
  ],
  rowsMax: 0,
});

function rows(plan: Fragment, sources: readonly MemorySource[]): unknown[] {
  const out: unknown[] = [];
  for (const block of blocksOf(plan, sources, idle())) {
    if (block.kind !== 'rows') throw new Error('rows expected');
    for (let r = 0; r < block.timesNs.length; r++)
      out.push([...block.group, block.timesNs[r], ...block.columns.map((c) => cellValue(c, r))]);
  }
  return out;
}

const points = [
  ...Array.from({ length: 10 }, (_, i) => point('a', BigInt(i * 2), { v: i })),
  ...Array.from({ length: 5 }, (_, i) => point('b', BigInt(i * 4), { v: 100 + i, s: `x${i}` })),
  point('b', 5n, { s: 'lonely' }),
];

test('rows: series of one group merge by time, fields of a row by series, tags repeat', () => {
  const got = rows(fragment({ task: valueAndHost, maxTimeNs: 5n }), [new MemorySource(points)]);
  expect(got).toEqual([
    [0n, 0, null, 'a'],
    [0n, 100, 'x0', 'b'],
    [2n, 1, null, 'a'],
    [4n, 2, null, 'a'],
    [4n, 101, 'x1', 'b'],
    [5n, null, 'lonely', 'b'],
  ]);
});

test('rows: descending is the mirror image and a limit per group stops early', () => {
  const plan = fragment({
    ascending: false,
    groupBy: ['host'],
    task: { ...valueAndHost, rowsMax: 2 },
  });
  expect(rows(plan, [new MemorySource(points)])).toEqual([
    ['b', 16n, 104, 'x4', 'b'],
    ['b', 12n, 103, 'x3', 'b'],
    ['a', 18n, 9, null, 'a'],
    ['a', 16n, 8, null, 'a'],
  ]);
});

test('rows: a predicate over a field, a tag and both of them', () => {
  const above: Predicate = {
    kind: 'compare',
    operator: '>',
    left: { kind: 'field', name: 'v' },
    right: { kind: 'constant', value: 7 },
  };
  const ofA: Predicate = {
    kind: 'compare',
    operator: '=',
    left: { kind: 'tag', name: 'host' },
    right: { kind: 'constant', value: 'a' },
  };
  const plan = (predicate: Predicate) => fragment({ task: valueAndHost, predicate });
  const source = new MemorySource(points);
  expect(rows(plan({ kind: 'and', left: above, right: ofA }), [source])).toEqual([
    [16n, 8, null, 'a'],
    [18n, 9, null, 'a'],
  ]);
  expect(rows(plan(above), [source])).toHaveLength(7);
  expect(rows(plan({ kind: 'or', left: above, right: ofA }), [source])).toHaveLength(15);
});

test('rows: the same data gives the same answer however it is cut into shards and batches', () => {
  const plan = fragment({ task: valueAndHost });
  const want = rows(plan, [new MemorySource(points, { batchRows: 1000 })]);
  const half = (even: boolean) => points.filter((p) => p.timeNs < 8n === even);
  for (const batchRows of [1, 2, 7]) {
    const shards = [true, false].map(
      (even, shardId) => new MemorySource(half(even), { shardId, batchRows }),
    );
    expect(rows(plan, shards)).toEqual(want);
  }
});

function summaries(plan: Fragment, sources: readonly MemorySource[]): unknown[] {
  const out: unknown[] = [];
  for (const block of blocksOf(plan, sources, idle())) {
    if (block.kind !== 'windows') throw new Error('windows expected');
    for (const summary of block.fields)
      for (let i = 0; i < summary.startsNs.length; i++)
        out.push([...block.group, ...cells(summary, i)]);
  }
  return out;
}

function cells(summary: WindowSummary, i: number): unknown[] {
  const { sums, mins, maxs, firsts, lasts } = summary;
  const selected = [mins, maxs, firsts, lasts].map((one) => one && cellValue(one.values, i));
  return [summary.startsNs[i], summary.counts[i], sums && cellValue(sums, i), ...selected];
}

test('windows: count, sum, min, max, first, last per window and group, also before 1970', () => {
  const source = new MemorySource([
    point('a', -11n, { v: 5 }),
    point('a', -10n, { v: 1 }),
    point('a', -1n, { v: 2 }),
    point('a', 0n, { v: 3 }),
    point('b', 3n, { v: 4 }),
  ]);
  const task = {
    kind: 'windows',
    fields: [{ name: 'v', type: 'float', parts: allParts }],
    intervalNs: 10n,
    offsetNs: 0n,
  } as const;
  expect(summaries(fragment({ task, groupBy: ['host'] }), [source])).toEqual([
    ['a', -20n, 1n, 5, 5, 5, 5, 5],
    ['a', -10n, 2n, 3, 1, 2, 1, 2],
    ['a', 0n, 1n, 3, 3, 3, 3, 3],
    ['b', 0n, 1n, 4, 4, 4, 4, 4],
  ]);
  expect(summaries(fragment({ task: { ...task, intervalNs: 0n } }), [source])).toEqual([
    [-1000n, 5n, 15, 1, 5, 5, 4],
  ]);
});

test('windows: the borders of batches change no digit of a float sum', () => {
  const values = Array.from({ length: 50 }, (_, i) => 0.1 * i + 1e9 / (i + 1));
  const world = values.map((v, i) => point('a', BigInt(i), { v }));
  const task = {
    kind: 'windows',
    fields: [{ name: 'v', type: 'float', parts: allParts }],
    intervalNs: 0n,
    offsetNs: 0n,
  } as const;
  const want = values.reduce((sum, value) => sum + value, 0);
  for (const batchRows of [1, 3, 7, 50]) {
    const [row] = summaries(fragment({ task }), [new MemorySource(world, { batchRows })]);
    expect((row as unknown[])[2]).toBe(want);
  }
});

test('windows: int64 sums wrap and stay exact; ties keep the reference choice', () => {
  const source = new MemorySource([
    point('a', 1n, { i: 9007199254740993n }),
    point('b', 1n, { i: 9007199254740994n }),
    point('a', 2n, { i: 9223372036854775807n }),
  ]);
  const task = {
    kind: 'windows',
    fields: [{ name: 'i', type: 'integer', parts: allParts }],
    intervalNs: 0n,
    offsetNs: 0n,
  } as const;
  const sum = BigInt.asIntN(64, 9007199254740993n + 9007199254740994n + 9223372036854775807n);
  expect(summaries(fragment({ task }), [source])).toEqual([
    [
      -1000n,
      3n,
      sum,
      9007199254740993n,
      9223372036854775807n,
      9007199254740994n,
      9223372036854775807n,
    ],
  ]);
});

test('fragment: a killed query stops between blocks; a newer version is refused', () => {
  const killed = new FragmentContext(memoryArena(), matcher, () => true);
  const plan = fragment({ task: valueAndHost });
  expect(() => [...runFragment(plan, [new MemorySource(points)], killed)]).toThrow(
    'query interrupted',
  );
  expect(() => runFragment({ ...plan, version: fragmentVersion + 1 }, [], idle())).toThrow(
    `version ${fragmentVersion + 1}`,
  );
});

test('fragment: a killed query does not wait until all of its series have been looked at', () => {
  const many = Array.from({ length: 10_000 }, (_, i) => ({
    measurement: 'cpu',
    tags: { host: `h${i}` },
    fields: { v: i },
    timeNs: 0n,
  }));
  let looked = 0;
  class Counted extends MemorySource {
    override series(id: number): ReturnType<MemorySource['series']> {
      looked++;
      return super.series(id);
    }
  }
  const killed = new FragmentContext(memoryArena(), matcher, () => true);
  expect(() => [
    ...runFragment(fragment({ task: valueAndHost }), [new Counted(many)], killed),
  ]).toThrow('query interrupted');
  expect(looked).toBeLessThan(many.length / 2);
});

test('fragment: first() and last() of many series pause for others, and stop once they are killed', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => ({
    measurement: 'cpu',
    tags: { host: `h${i}` },
    fields: { v: i },
    timeNs: BigInt(i),
  }));
  let looked = 0;
  class Counted extends MemorySource {
    override end(...asked: Parameters<MemorySource['end']>): ReturnType<MemorySource['end']> {
      looked++;
      return super.end(...asked);
    }
  }
  const source = new Counted(many);
  const field = { name: 'v', type: 'float', parts: ['last'] } as const;
  const task = { kind: 'windows', intervalNs: 0n, offsetNs: 0n, fields: [field] } as const;
  let pauses = 0;
  for (const block of runFragment(fragment({ task }), [source], idle()))
    if (block === undefined && looked > 0) pauses++;
  expect(looked).toBe(many.length);
  expect(pauses).toBeGreaterThan(10);
  looked = 0;
  const killed = new FragmentContext(memoryArena(), matcher, () => looked > 0);
  expect(() => [...runFragment(fragment({ task }), [source], killed)]).toThrow('query interrupted');
  expect(looked).toBeLessThan(100);
});

test('fragment: a killed query does not wait until its pattern has met all values of a tag, or all rows', () => {
  const many = Array.from({ length: 1_000 }, (_, i) => ({
    measurement: 'cpu',
    tags: { host: `h${i}` },
    fields: { v: 1, s: 'text' },
    timeNs: 0n,
  }));
  for (const kind of ['tag', 'field'] as const) {
    let met = 0;
    const counted = () => () => {
      met++;
      return false;
    };
    const killed = new FragmentContext(memoryArena(), counted, () => met > 0);
    const name = kind === 'tag' ? 'host' : 's';
    const predicate = { kind: 'match', operand: { kind, name }, pattern: 'x', negated: false } as const; // prettier-ignore
    const plan = { ...fragment({ task: valueAndHost }), predicate };
    expect(() => [...runFragment(plan, [new MemorySource(many)], killed)]).toThrow('query interrupted'); // prettier-ignore
    expect(met).toBeLessThan(100);
  }
});

test('fragment: what reads much without a row to show for it pauses for others', () => {
  const many = Array.from({ length: 400 }, (_, i) => ({
    measurement: 'cpu',
    tags: {},
    fields: { v: i },
    timeNs: BigInt(i),
  }));
  const source = new MemorySource(many, { batchRows: 2 });
  const never: Fragment['predicate'] = {
    kind: 'compare',
    operator: '<',
    left: { kind: 'field', name: 'v' },
    right: { kind: 'constant', value: -1 },
  };
  const base = { version: fragmentVersion, measurement: 'cpu', shardIds: [], minTimeNs: -1n, maxTimeNs: 1000n, ascending: true, groupBy: [], predicate: never }; // prettier-ignore
  const rows = { kind: 'rows', columns: [{ kind: 'field', name: 'v', type: 'float' }], rowsMax: 0 } as const; // prettier-ignore
  const parts = ['sum'] as const;
  const windows = { kind: 'windows', fields: [{ name: 'v', type: 'float', parts }], intervalNs: 0n, offsetNs: 0n } as const; // prettier-ignore
  for (const task of [rows, windows]) {
    const made = [...runFragment({ ...base, task }, [source], idle())];
    expect(made.length).toBeGreaterThan(20);
    expect(made.every((one) => one === undefined)).toBe(true);
  }
});

test('fragment: rows of one time stand in the order of series keys, turned with time, whatever their shards', () => {
  const at = (host: string) => new MemorySource([{ measurement: 'cpu', tags: { host }, fields: { v: 1 }, timeNs: 5n }]); // prettier-ignore
  const sources = ['c', 'a', 'b'].map(at);
  const columns = [
    { kind: 'field', name: 'v', type: 'float' },
    { kind: 'tag', name: 'host' },
  ] as const;
  const base = { version: fragmentVersion, measurement: 'cpu', shardIds: [], minTimeNs: 0n, maxTimeNs: 9n, groupBy: [], task: { kind: 'rows', columns, rowsMax: 0 } } as const; // prettier-ignore
  const hosts = (ascending: boolean) =>
    [...blocksOf({ ...base, ascending }, sources, idle())].flatMap((block) => {
      const column = block.kind === 'rows' ? block.columns[1] : undefined;
      if (column === undefined) return [];
      return Array.from({ length: block.kind === 'rows' ? block.timesNs.length : 0 }, (_, row) => cellValue(column, row)); // prettier-ignore
    });
  expect(hosts(true)).toEqual(['a', 'b', 'c']);
  expect(hosts(false)).toEqual(['c', 'b', 'a']);
});

/** Says which shards were read. */
class WatchedSource extends MemorySource {
  readonly #onRead: () => void;

  constructor(own: readonly MemoryPoint[], onRead: () => void) {
    super(own);
    this.#onRead = onRead;
  }

  override openCursor(request: CursorRequest): ColumnCursor {
    this.#onRead();
    return super.openCursor(request);
  }
}

test('fragment: who wants the newest or the oldest rows does not read shards behind them', () => {
  const read = new Set<number>();
  const sources = [3, 1, 2].map((shard) => {
    const points = ['a', 'b'].map((host) => point(host, BigInt(shard * 100), { v: shard }));
    return new WatchedSource(points, () => read.add(shard));
  });
  const readBy = (plan: Fragment): readonly number[] => {
    read.clear();
    expect([...blocksOf(plan, sources, idle())]).not.toHaveLength(0);
    return [...read];
  };
  const columns = [{ kind: 'field', name: 'v', type: 'float' }] as const;
  const limited = { kind: 'rows', columns, rowsMax: 1 } as const;
  expect(readBy(fragment({ task: limited }))).toEqual([1]);
  expect(readBy(fragment({ task: limited, ascending: false, groupBy: ['host'] }))).toEqual([3]);
  expect(readBy(fragment({ task: { ...limited, rowsMax: 3 }, ascending: false }))).toEqual([3, 2]);
  const picked = (part: 'first' | 'last') =>
    fragment({
      task: { kind: 'windows', fields: [{ name: 'v', type: 'float', parts: [part] }], intervalNs: 0n, offsetNs: 0n }, // prettier-ignore
    });
  expect(readBy(picked('last'))).toEqual([3]);
  expect(readBy(picked('first'))).toEqual([1]);
});

test('fragment: who wants few rows does not read series whose rows come behind them', () => {
  const points = ['a', 'b', 'c', 'd'].flatMap((host) => [1n, 2n].map((timeNs) => point(host, timeNs, { v: 1 }))); // prettier-ignore
  let count = 0;
  const source = new WatchedSource(points, () => count++);
  const columns = [{ kind: 'tag', name: 'host' }, { kind: 'field', name: 'v', type: 'float' }] as const; // prettier-ignore
  const limited = { kind: 'rows', columns, rowsMax: 2 } as const;
  expect(rows(fragment({ task: limited }), [source])).toEqual([[1n, 'a', 1], [1n, 'b', 1]]); // prettier-ignore
  expect(count).toBe(2);
  expect(rows(fragment({ task: limited, ascending: false }), [source])).toEqual([[2n, 'd', 1], [2n, 'c', 1]]); // prettier-ignore
  expect(count).toBe(4);
  // Neither is one read, nor asked what it is called, where rows say which series they are of.
  const shown = fragment({ task: { ...limited, showsSeries: true } });
  const [block] = [...blocksOf(shown, [source], idle())];
  expect(block).toMatchObject({ series: { keys: ['cpu,host=a', 'cpu,host=b'], at: Uint32Array.of(0, 1) } }); // prettier-ignore
  expect(count).toBe(6);
});

test('fragment: groups of many series by very many tags are charged, and given back in the end', () => {
  const many = Array.from({ length: 200 }, (_, i) => point(`h${i}`, 0n, { v: i }));
  const groupBy = ['host', ...Array.from({ length: 2_000 }, (_, i) => `t${i}`)];
  const run = (bytesMax: number) => {
    const account = new QueryAccount(new NodeAccount(0), bytesMax);
    const context = idle();
    context.chargeTo(account);
    let most = 0;
    const blocks = runFragment(fragment({ task: valueAndHost, groupBy }), [new MemorySource(many)], context); // prettier-ignore
    try {
      for (const _ of blocks) most = Math.max(most, account.bytes);
    } finally {
      expect(account.bytes).toBe(0);
    }
    return most;
  };
  expect(run(1 << 24)).toBeGreaterThan(200 * 2_000 * 8);
  expect(() => run(1 << 20)).toThrow('max-query-memory limit exceeded');
});

test('rows: what few rows of several series were merged of is given back when they are there', () => {
  const hosts = ['a', 'b', 'c'].flatMap((host) =>
    Array.from({ length: 50 }, (_, i) => point(host, BigInt(i), { v: i })),
  );
  const series = hosts.flatMap((one) => ['0', '1'].map((core) => ({ ...one, tags: { ...one.tags, core } }))); // prettier-ignore
  const account = new QueryAccount(new NodeAccount(0), 0);
  const context = idle();
  context.chargeTo(account);
  const plan = fragment({ task: { ...valueAndHost, shardRowsMax: 2 }, groupBy: ['host'] });
  const held = new Map<string, number>();
  for (const block of blocksOf(plan, [new MemorySource(series)], context))
    held.set(block.group.join(), account.bytes);
  const [first, second, third] = ['a', 'b', 'c'].map((host) => held.get(host));
  expect(first).toBeGreaterThan(0);
  expect([second, third]).toEqual([first, first]);
});

test.each(['first', 'last'] as const)(
  'windows: %s of texts of one time is the one that is larger by its bytes',
  (part) => {
    const texts = ['😀', '\ufff0', 'a'].map((s, i) => point(`${i}`, 0n, { s }));
    const task = (intervalNs: bigint): Fragment['task'] => ({
      kind: 'windows',
      fields: [{ name: 's', type: 'string', parts: [part] }],
      intervalNs,
      offsetNs: 0n,
    });
    for (const intervalNs of [0n, 10n]) {
      const [got] = summaries(fragment({ task: task(intervalNs) }), [new MemorySource(texts)]);
      expect(got).toContain('😀');
    }
  },
);
