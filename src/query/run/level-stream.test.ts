import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver, type SelectSetting } from '../../../test/support/run-select.ts';
import { cellValue } from '../exec/columns/column-builder.ts';

const hosts = ['a', 'b', 'c'];
const points = hosts.flatMap((host, h) =>
  Array.from({ length: 20 }, (_, i) => ({
    measurement: 'cpu',
    tags: { host },
    fields: { v: i + h * 100, i: BigInt(i), s: `${host}${i}` },
    timeNs: BigInt(i * 5),
  })),
);
const whole = { nodes: [new MemorySource(points)] };
const byHost = {
  nodes: hosts.map((host) => new MemorySource(points.filter(({ tags }) => tags.host === host))),
};
const byTime = {
  nodes: [false, true].map((late) => new MemorySource(points.filter(({ timeNs }) => timeNs > 40n === late))), // prettier-ignore
};

/** Rows with the values of their series' tags first; the text of an error instead. */
async function table(query: string, setting: SelectSetting = whole): Promise<unknown> {
  const { series, error } = await runSelectOver(query, setting);
  if (error !== undefined) return error;
  return series.flatMap((one) => {
    if (one.kind !== 'columns') throw new Error('columns expected');
    const tags = (one.tags ?? []).map(([, value]) => value);
    const rows: unknown[] = [];
    for (let row = one.start; row < one.end; row++)
      rows.push([...tags, one.timesNs[row], ...one.values.map((column) => cellValue(column, row))]);
    return rows;
  });
}

test('level: many nodes answer as one node does, whatever the query', async () => {
  const lists = [
    'v',
    '*',
    'mean(v), count(i), max(s)',
    'mean(v), percentile(i, 50)',
    'max(v), host',
    'top(v, host, 2)',
    'derivative(v, 1s)',
    'distinct(i)',
    'first(s), last(s)',
  ];
  const clauses = ['', 'GROUP BY host', 'GROUP BY host ORDER BY time DESC', 'LIMIT 5 OFFSET 2'];
  for (const list of lists)
    for (const clause of clauses) {
      const query = `SELECT ${list} FROM cpu ${clause}`;
      const one = await table(query);
      expect([query, await table(query, byHost)]).toEqual([query, one]);
      expect([query, await table(query, byTime)]).toEqual([query, one]);
    }
});

test('level: rows of one time stand by their series, wherever those are', async () => {
  const [a, b, c] = byHost.nodes;
  const orders = [[c, a, b], [b, c, a], [whole.nodes[0]]] as const; // prettier-ignore
  const first = ['a', 'b', 'c'];
  for (const order of orders) {
    const nodes = order.flatMap((node) => node ?? []);
    const query = 'SELECT v, host FROM cpu WHERE time < 10';
    const hostsOf = async (rest: string) => ((await table(query + rest, { nodes })) as unknown[][]).map((row) => row[2]); // prettier-ignore
    expect(await hostsOf('')).toEqual([...first, ...first]);
    expect(await hostsOf(' ORDER BY time DESC')).toEqual([...first, ...first].reverse());
    expect(await hostsOf(' LIMIT 2')).toEqual(['a', 'b']);
    expect(await hostsOf(' LIMIT 2 OFFSET 1')).toEqual(['b', 'c']);
    expect(await hostsOf(' ORDER BY time DESC LIMIT 4')).toEqual(['c', 'b', 'a', 'c']);
    // Several of the time that top() takes: those that come first.
    const top = await table('SELECT top(n, 2), host FROM (SELECT v - v AS n, host FROM cpu)', { nodes }); // prettier-ignore
    expect(top).toEqual([[0n, 0, 'a'], [0n, 0, 'b']]); // prettier-ignore
  }
});

test('level: LIMIT of a subquery with tags of its own reads one row more of each series', async () => {
  const inner = '(SELECT v FROM cpu GROUP BY host LIMIT 2)';
  const query = `SELECT v, host FROM ${inner} WHERE host = 'b'`;
  const rows = [[0n, 100, 'b'], [5n, 101, 'b'], [10n, 102, 'b']]; // prettier-ignore
  for (const setting of [whole, byHost]) expect(await table(query, setting)).toEqual(rows);
});

test('level: windows of several nodes merge exactly, empty ones are filled, counts with 0', async () => {
  const query = 'SELECT mean(v), count(i), max(i) FROM cpu WHERE time >= 20 AND time < 150 GROUP BY time(25ns)'; // prettier-ignore
  const rows = [
    [0n, 104, 3n, 4n],
    [25n, 107, 15n, 9n],
    [50n, 112, 15n, 14n],
    [75n, 117, 15n, 19n],
    [100n, null, 0n, null],
    [125n, null, 0n, null],
  ];
  for (const setting of [whole, byHost, byTime]) expect(await table(query, setting)).toEqual(rows);
  expect(await table(`${query} ORDER BY time DESC LIMIT 2 OFFSET 1`, byHost)).toEqual([
    rows[4],
    rows[3],
  ]);
});

test('level: rows are limited per series, series by their tags whatever the direction', async () => {
  expect(await table('SELECT v FROM cpu GROUP BY host LIMIT 1 OFFSET 3')).toEqual([
    ['a', 15n, 3],
    ['b', 15n, 103],
    ['c', 15n, 203],
  ]);
  const check = async (page: string, want: string[]) => {
    const rows = await table(`SELECT v FROM cpu GROUP BY host ${page}`);
    expect((rows as unknown[][]).map(([host]) => host)).toEqual(want);
  };
  await check('LIMIT 1', ['a', 'b', 'c']);
  await check('LIMIT 1 SLIMIT 2', ['a', 'b']);
  await check('LIMIT 1 SLIMIT 1 SOFFSET 1', ['b']);
  await check('LIMIT 1 SOFFSET 2', []);
  await check('LIMIT 1 SLIMIT 5 SOFFSET 3', []);
  await check('ORDER BY time DESC LIMIT 1 SLIMIT 2', ['b', 'a']);
  await check('ORDER BY time DESC LIMIT 1 SLIMIT 1 SOFFSET 2', ['c']);
});

test('level: a lone selector keeps its time without GROUP BY time, all else has the lower bound', async () => {
  expect(await table('SELECT max(v) FROM cpu')).toEqual([[95n, 219]]);
  expect(await table('SELECT max(v), 8 * max(v) FROM cpu')).toEqual([[95n, 219, 1752]]);
  expect(await table('SELECT max(v), s, host FROM cpu')).toEqual([[95n, 219, 'c19', 'c']]);
  expect(await table('SELECT max(v), min(v) FROM cpu')).toEqual([[0n, 219, 0]]);
  expect(await table('SELECT max(v), min(v) FROM cpu WHERE time > 4')).toEqual([[5n, 219, 1]]);
});

test('level: subqueries nest, inherit tags and bounds, and filter by their columns', async () => {
  const perHost = 'SELECT max(v) AS m FROM cpu GROUP BY host';
  expect(await table(`SELECT sum(m) FROM (${perHost})`)).toEqual([[0n, 357]]);
  expect(await table(`SELECT m, host FROM (${perHost}) WHERE m > 100`)).toEqual([
    [95n, 119, 'b'],
    [95n, 219, 'c'],
  ]);
  expect(await table(`SELECT mean(v) FROM (SELECT v FROM cpu) WHERE time < 10 GROUP BY host`)).toEqual([['a', 0n, 0.5], ['b', 0n, 100.5], ['c', 0n, 200.5]]); // prettier-ignore
  expect(await table(`SELECT max(d) FROM (SELECT difference(s) AS d FROM (SELECT sum(v) AS s FROM cpu WHERE time >= 0 AND time < 20 GROUP BY time(10ns)))`)).toEqual([[10n, 12]]); // prettier-ignore
});

test('level: a field of several types is read in the highest, all else of it is not there', async () => {
  const at = (timeNs: bigint, v: number | bigint | string | boolean) =>
    new MemorySource([{ measurement: 'm', tags: {}, fields: { v }, timeNs }]);
  const nodes = [at(1n, 2n), at(2n, 1.5), at(3n, 'x'), at(4n, true)];
  expect(await table('SELECT v FROM m', { nodes })).toEqual([
    [1n, 2],
    [2n, 1.5],
  ]);
  expect(await table('SELECT sum(v), count(v), max(v) FROM m', { nodes })).toEqual([[0n, 3.5, 2n, 2]]); // prettier-ignore
  expect(await table('SELECT v::string FROM m', { nodes })).toEqual([[3n, 'x']]);
  expect(await table('SELECT v::integer FROM m', { nodes })).toEqual([
    [1n, 2n],
    [2n, 1n],
  ]);
  expect(await table('SELECT v::integer FROM m', { nodes: [at(1n, 1e300)] })).toEqual([
    [1n, -9223372036854775808n],
  ]);
});

test('level: a tag beside a tag is equal only where both are there', async () => {
  const nodes = [
    new MemorySource([
      { measurement: 'm', tags: { a: 'x', b: 'x' }, fields: { v: 1 }, timeNs: 1n },
      { measurement: 'm', tags: { a: 'x', b: 'y' }, fields: { v: 2 }, timeNs: 2n },
      { measurement: 'm', tags: { c: 'z' }, fields: { v: 3 }, timeNs: 3n },
    ]),
  ];
  expect(await table('SELECT v FROM m WHERE a = b', { nodes })).toEqual([[1n, 1]]);
  expect(await table('SELECT v FROM m WHERE a != b', { nodes })).toEqual([[2n, 2], [3n, 3]]); // prettier-ignore
});

test('level: windows beyond what memory holds are refused, counted before they are walked', async () => {
  const query = (to: bigint) => `SELECT count(v) FROM cpu WHERE time >= 20 AND time < ${to} GROUP BY time(1ns)`; // prettier-ignore
  expect(await table(query(150n), { ...whole, bucketsMax: 100 })).toBe('max-select-buckets limit exceeded: (129/100)'); // prettier-ignore
  expect(await table(query(10n ** 18n))).toMatch('max-select-buckets limit exceeded');
});

test('level: what a query holds is charged before it is taken, and a killed one ends', async () => {
  const held = 'SELECT median(v), mode(i) FROM cpu';
  expect(await table(held, { ...whole, bytesMax: 100 })).toMatch('max-query-memory limit exceeded');
  expect(await table(held, { ...whole, bytesMax: 100_000 })).toHaveLength(1);
  const signal = AbortSignal.abort(new Error('query interrupted'));
  expect(await table(held, { ...whole, signal })).toBe('query interrupted');
});

test('level: what is read of a group is given back where its rows are left before their end', async () => {
  const many = { nodes: manyHosts(), bytesMax: 400_000 };
  const calls = 'mean(v) AS x, max(v) AS y';
  // What is joined, what a stage keeps, what several sources have.
  for (const inner of [
    `(SELECT ${calls} FROM cpu GROUP BY time(5ns), host)`,
    '(SELECT moving_average(v, 50) AS x FROM cpu GROUP BY host)',
    '(SELECT v AS x FROM cpu), (SELECT v AS x FROM cpu)',
  ]) {
    const query = `SELECT x FROM ${inner} GROUP BY host LIMIT 1`;
    expect([query, await table(query, many)]).toMatchObject([query, { length: 200 }]);
  }
});

function manyHosts(): readonly MemorySource[] {
  const all = Array.from({ length: 200 }, (_, h) =>
    Array.from({ length: 200 }, (_, i) => ({
      measurement: 'cpu',
      tags: { host: `${h}` },
      fields: { v: i },
      timeNs: BigInt(i * 5),
    })),
  );
  return [new MemorySource(all.flat())];
}

test('level: conditions of thousands of terms are no deeper than a few', async () => {
  const terms = Array.from({ length: 4000 }, (_, i) => `v = ${i}`);
  expect(await table(`SELECT count(v) FROM cpu WHERE ${terms.join(' OR ')}`)).toEqual([[0n, 60n]]);
  const sum = Array.from({ length: 900 }, () => 'v').join(' + ');
  expect(await table(`SELECT ${sum} AS s FROM cpu WHERE ${sum} > 0 LIMIT 1`)).toEqual([[0n, 90_000]]); // prettier-ignore
});

test('level: series and points are limited where they are read', async () => {
  const limited = (limits: { readonly seriesMax?: number; readonly pointsMax?: number }) =>
    table('SELECT max(v) FROM cpu', { ...whole, ...limits });
  expect(await limited({ seriesMax: 2 })).toBe('max-select-series limit exceeded: (3/2)');
  expect(await limited({ seriesMax: 3, pointsMax: 60 })).toHaveLength(1);
  expect(await limited({ pointsMax: 30 })).toMatch(
    /^max-select-point limit exceeded: \(\d+\/30\)$/,
  );
});

test('level: one window without an answer is passed over, two in a row end the stream, unless fill() goes on', async () => {
  const query = (fill: string, page = '') => `SELECT percentile(v, 20) FROM cpu WHERE host = 'a' AND (v < 5 OR v > 6 AND v != 12) AND time < 100 GROUP BY time(25ns) fill(${fill}) ${page}`; // prettier-ignore
  // Windows of 5, 3, 4 and 5 points: the sixth part of 3 or less is no point, nor is the eighth of 4.
  const few = query('none').replace('20)', '16)');
  expect(await table(query('none'))).toEqual([[0n, 0], [25n, 7], [50n, 10], [75n, 15]]); // prettier-ignore
  expect(await table(few)).toEqual([
    [0n, 0],
    [50n, 10],
    [75n, 15],
  ]);
  expect(await table(few.replace('16)', '12)'))).toEqual([[0n, 0]]);
  expect(await table(few.replace('none', '-1'))).toEqual([[0n, 0], [25n, -1], [50n, 10], [75n, 15]]); // prettier-ignore
  // fill(linear) asks for the point behind a window without an answer: if the next one has none either there is no line.
  const lined = few.replace('none', 'linear');
  expect(await table(lined)).toEqual([[0n, 0], [25n, 5], [50n, 10], [75n, 15]]); // prettier-ignore
  expect(await table(lined.replace('16)', '12)'))).toEqual([[0n, 0], [25n, null], [50n, 10], [75n, 15]]); // prettier-ignore
  const first = few.replace('v < 5', 'v < 2').replace('none', '-1');
  expect(await table(first)).toEqual([]);
  // LIMIT takes the rows between two gaps.
  expect(await table(query('none', 'LIMIT 1 OFFSET 1').replace('20)', '16)'))).toEqual([]);
});

test('level: a window without an answer at the end of a group is passed over, and so is one at the beginning of the next', async () => {
  const query = (tail: string) => `SELECT percentile(v, 16) FROM cpu WHERE (v < 5 OR v > 6 AND v != 12) AND v != 105 AND v != 106 AND v != 115 AND v != 116 AND v != 202 AND v != 203 AND time < 100 GROUP BY host, time(25ns) ${tail}`; // prettier-ignore
  const a = [['a', 0n, 0], ['a', 50n, 10], ['a', 75n, 15]]; // prettier-ignore
  expect(await table(query('fill(none)'))).toEqual([...a, ['b', 0n, 100], ['b', 50n, 110]]);
  const b = [['b', 0n, 100], ['b', 25n, -1], ['b', 50n, 110], ['b', 75n, -1]]; // prettier-ignore
  const c = [['c', 25n, 205], ['c', 50n, 210], ['c', 75n, 215]]; // prettier-ignore
  expect(await table(query('fill(-1)'))).toEqual([a[0], ['a', 25n, -1], a[1], a[2], ...b, ...c]);
  // Down to the beginning of time nothing is filled in.
  expect(await table(query('fill(-1) ORDER BY time DESC'))).toEqual([['c', 75n, 215], ['c', 50n, 210], ['c', 25n, 205]]); // prettier-ignore
});

test('level: beside other calls a window that no answer comes from is passed over', async () => {
  const query = (list: string, tail = 'fill(none)') => `SELECT ${list} FROM cpu WHERE host = 'a' AND (v < 5 OR v > 6 AND v != 12) AND time < 100 GROUP BY time(25ns) ${tail}`; // prettier-ignore
  // Windows of 5, 3, 4 and 5 points.
  expect(await table(query('percentile(v, 16), count(v)'))).toEqual([[0n, 0, 5n], [25n, null, 3n], [50n, 10, 4n], [75n, 15, 5n]]); // prettier-ignore
  expect(await table(query('percentile(v, 12), count(v)'))).toEqual([[0n, 0, 5n], [25n, null, 3n], [50n, null, 4n], [75n, 15, 5n]]); // prettier-ignore
  // Where both have none the answer's rows are asked for once more, as 1.12.4 does; those of a subquery end.
  expect(await table(query('percentile(v, 12), percentile(v, 14)'))).toEqual([[0n, 0, 0], [50n, null, 10], [75n, 15, 15]]); // prettier-ignore
  expect(await table(query('percentile(v, 5), count(v)', ', host fill(-1)'))).toEqual(
    [5n, 3n, 4n, 5n].map((count, i) => ['a', BigInt(25 * i), -1, count]),
  );
});

test('level: what a subquery hands on is cast between numbers alone', async () => {
  const inner = "(SELECT v, i, s, host FROM cpu WHERE host = 'b' LIMIT 1)";
  expect(await table(`SELECT v::integer, i::float, s::integer, host::float, v::string FROM ${inner}`)).toEqual([
    [0n, 100n, 0, 'b0', 'b', 100],
  ]); // prettier-ignore
  expect(await table(`SELECT v, v::string FROM ${inner}`)).toEqual([[0n, 100, 100]]);
  expect(await table(`SELECT max(v::string), v FROM ${inner}`)).toBe('unsupported max iterator type: *query.stringInterruptIterator'); // prettier-ignore
});

test('level: of two refusals the subquery has its own said first', async () => {
  const inner = '(SELECT difference(s) AS s FROM cpu)';
  expect(await table(`SELECT sum(s) FROM ${inner}`)).toBe('unsupported difference iterator type: *query.stringInterruptIterator'); // prettier-ignore
});

test('level: a transformation of windows reads one before the range, one in a subquery reads none', async () => {
  const list = "difference(max(v)) AS d FROM cpu WHERE host = 'a'";
  const range = 'time >= 50 AND time < 100';
  const [first, second] = [[50n, 5], [75n, 5]]; // prettier-ignore
  expect(await table(`SELECT ${list} AND ${range} GROUP BY time(25ns)`)).toEqual([first, second]);
  expect(await table(`SELECT d FROM (SELECT ${list} GROUP BY time(25ns)) WHERE ${range}`)).toEqual([second]); // prettier-ignore
});

test('level: calls over groups of a subquery go together, whatever points were selected', async () => {
  const sparse = ['a', 'b', 'c'].flatMap((host, h) =>
    [3, 1, 2].map((v, i) => ({
      measurement: 'm',
      tags: { host },
      // The largest of each group comes in another order than its first.
      fields: { v: v * (h === 1 ? -1 : 1) },
      timeNs: BigInt(h === 2 ? i : 10 * i + h + 5),
    })),
  );
  const setting = { nodes: [new MemorySource(sparse)] };
  const query = 'SELECT x, y FROM (SELECT max(v) AS x, first(v) AS y FROM m GROUP BY host)';
  expect(await table(query, setting)).toEqual([
    [0n, 3, 3],
    [0n, -1, -3],
    [0n, 3, 3],
  ]);
});

test('level: a measurement that two sources name is read twice', async () => {
  expect(await table('SELECT count(v), sum(i) FROM cpu, cpu')).toEqual([[0n, 120n, 1140n]]);
  expect(await table('SELECT v FROM cpu, cpu LIMIT 3')).toEqual([
    [0n, 0],
    [0n, 0],
    [0n, 100],
  ]);
});

test('level: a duration beside a field is no value', async () => {
  expect(await table('SELECT i + 1s FROM cpu LIMIT 1')).toEqual([[0n, null]]);
  expect(await table('SELECT i FROM cpu WHERE i > 1ns')).toEqual([]);
});

test('level: what fill() gives to a call of a name that nobody knows', async () => {
  const clause = 'FROM cpu WHERE time >= 0 AND time < 100 GROUP BY time(100ns) fill(7)';
  expect(await table(`SELECT count(x), mean(x), max(x), count(v) ${clause}`)).toEqual([
    [0n, 7n, 7, null, 60n],
  ]);
});

test("level: a column whose types do not go together is nobody's, whatever other sources have", async () => {
  const broken = '(SELECT i | 0.5 AS a FROM cpu)';
  const whole = '(SELECT v AS a FROM cpu LIMIT 1)';
  expect(await table(`SELECT a FROM ${broken}, ${whole}`)).toEqual([]);
  expect(await table(`SELECT count(a) FROM ${whole}, ${broken}`)).toEqual([]);
});

test('level: a wildcard asks for such a column as the other sources have it', async () => {
  const broken = '(SELECT i | 0.5 AS a FROM cpu LIMIT 2)';
  const other = "(SELECT v AS a FROM cpu WHERE host = 'b' LIMIT 1)";
  const rows = [[0n, null], [0n, 100], [0n, null]]; // prettier-ignore
  for (const sources of [`${broken}, ${other}`, `${other}, ${broken}`])
    expect(new Set((await table(`SELECT * FROM ${sources}`)) as unknown[])).toEqual(new Set(rows));
});

test('level: a tag of a subquery is a text where another source has a number by its name', async () => {
  const numbered = new MemorySource([
    { measurement: 'odd', tags: {}, fields: { host: 4 }, timeNs: 3n },
  ]);
  const nodes = [...whole.nodes, numbered];
  const source = '(SELECT v FROM cpu WHERE v = 100 GROUP BY host), odd';
  expect(await table(`SELECT host, v FROM ${source}`, { nodes })).toEqual([
    [0n, 'b', 100],
    [3n, 4, null],
  ]);
  expect(await table(`SELECT host + 1, v FROM ${source}`, { nodes })).toEqual([
    [0n, null, 100],
    [3n, 5, null],
  ]);
});

test("level: what is made of a column whose types do not go together is nobody's either", async () => {
  const broken = '(SELECT i AS a, i | 0.5 AS b FROM cpu)';
  expect(await table(`SELECT a & a FROM (SELECT mean(b) AS a FROM ${broken})`)).toEqual([]);
  expect(await table(`SELECT a & a FROM (SELECT mean(a) AS a FROM ${broken})`)).toMatch(
    /^type error/,
  );
});

test('level: a query around `DISTINCT name` sees nothing of it, around distinct() it does', async () => {
  const clause = 'FROM cpu WHERE time < 10';
  expect(await table(`SELECT DISTINCT i ${clause}`)).toEqual([[0n, 0n], [0n, 1n]]); // prettier-ignore
  for (const list of ['a', '*', 'count(a)'])
    expect(await table(`SELECT ${list} FROM (SELECT DISTINCT i AS a ${clause})`)).toEqual([]);
  expect(await table(`SELECT count(a) FROM (SELECT distinct(i) AS a ${clause})`)).toEqual([
    [0n, 2n],
  ]);
});

test('level: calls merged by type see nothing where the first source lacks the field, but for floats', async () => {
  const lacking = '(SELECT v AS b FROM cpu)';
  const having = '(SELECT i AS a, v AS c FROM cpu)';
  for (const call of ['max(a)', 'first(a)', 'sum(a)', 'top(a, host, 1)'])
    expect([call, await table(`SELECT ${call} FROM ${lacking}, ${having}`)]).toEqual([call, []]);
  expect(await table(`SELECT max(a) FROM ${having}, ${lacking}`)).toEqual([[95n, 19n]]);
  expect(await table(`SELECT max(c) FROM ${lacking}, ${having}`)).toEqual([[95n, 219]]);
  expect(await table(`SELECT count(a), mean(a) FROM ${lacking}, ${having}`)).toEqual([
    [0n, 60n, 9.5],
  ]);
});

test('level: windows that are counted from an offset, without a lower bound, are filled as far as LIMIT shows them', async () => {
  const windows = 'GROUP BY time(1s, 3ns) ORDER BY time DESC';
  const rows = [[3n, 110, 219], [-999_999_997n, 100, 200], [-1_999_999_997n, null, null]]; // prettier-ignore
  const query = `SELECT mean(v), max(v) FROM cpu WHERE time < 400 ${windows}`;
  expect(await table(`${query} LIMIT 3`)).toEqual(rows);
  expect(await table(`${query} LIMIT 1 OFFSET 1`)).toEqual(rows.slice(1, 2));
  const one = await table(`SELECT mean(v) FROM cpu WHERE time < 400 ${windows} LIMIT 3`);
  expect(one).toEqual(rows.map((row) => row.slice(0, 2)));
});

test('level: those that nothing bounds are refused once they are too many', async () => {
  const query = 'SELECT derivative(mean(v), 1s) FROM cpu WHERE time < 400 GROUP BY time(1s, 3ns) ORDER BY time DESC LIMIT 3'; // prettier-ignore
  expect(await table(query)).toMatch(/^max-select-buckets limit exceeded/);
});

test('level: what is computed of a text or a truth that is missing is of the number of fill(), of another one nothing', async () => {
  const fields = [{ s: 'a', v: 1 }, { ok: true, v: 2 }, { s: 'b', ok: false, v: 3 }]; // prettier-ignore
  const mixed = fields.map((one, i) => ({ measurement: 'cpu', tags: {}, fields: one, timeNs: BigInt(i) })); // prettier-ignore
  const setting = { nodes: [new MemorySource(mixed)] };
  const list = 'round(s) AS x, pow(ok, 2), ok & true AS t';
  expect(await table(`SELECT ${list} FROM cpu fill(7)`, setting)).toEqual([[0n, null, 49, null], [1n, 7n, null, true], [2n, null, null, false]]); // prettier-ignore
  expect(await table(`SELECT ${list} FROM cpu fill(7.5)`, setting)).toEqual([[0n, null, 56.25, null], [1n, 8, null, true], [2n, null, null, false]]); // prettier-ignore
  expect(await table(`SELECT ${list} FROM cpu`, setting)).toEqual([[0n, null, null, false], [1n, null, null, true], [2n, null, null, false]]); // prettier-ignore
  const outer = `SELECT x FROM (SELECT ${list} FROM cpu fill(7)) fill(3)`;
  expect(await table(outer, setting)).toEqual([
    [0n, 3n],
    [1n, 7n],
    [2n, 3n],
  ]);
});

test('level: an interval that makes no windows still ends now, as in 1.12.4', async () => {
  const setting = { ...whole, nowNs: 14n };
  for (const written of ['time(0s), time(1h)', 'time(-1h)'])
    expect(await table(`SELECT count(v) FROM cpu GROUP BY ${written}`, setting)).toEqual([
      [0n, 9n],
    ]);
  expect(await table('SELECT count(v) FROM cpu GROUP BY time(0s)', setting)).toEqual([[0n, 60n]]);
});
