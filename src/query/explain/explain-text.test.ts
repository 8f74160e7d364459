import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { blocksOf } from '../../../test/support/blocks-of.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { regexCache } from '../../influxql/regex.ts';
import { mergeSchemas } from '../compile/schema.ts';
import { costRows } from '../cost-rows.ts';
import { FragmentContext } from '../exec/context.ts';
import type { RowsBlock } from '../fragment.ts';
import { compileStatement } from '../plan/compile-statement.ts';
import { matchMeasurements } from '../plan/match-measurements.ts';
import { resolveSelect } from '../plan/resolve-select.ts';
import { explainSelect, type ExplainedLevel, type Scanner } from './explain-plan.ts';
import { analyzeLines, explainLines, type CostsOf, type ScannedShards } from './explain-text.ts';

const points = ['a', 'b', 'c'].flatMap((host) =>
  [1n, 2n].map((timeNs) => ({
    measurement: 'cpu',
    tags: { host },
    fields: host === 'c' ? { v: 1.5 } : { v: 1.5, n: 2n, s: 'x' },
    timeNs,
  })),
);
const shard = new MemorySource(points, { shardId: 7 });
const schema = mergeSchemas('cpu', [
  {
    name: 'cpu',
    fields: new Map(shard.fields('cpu').map(({ name, type }) => [name, type])),
    tagKeys: new Set(['host']),
  },
]);

/** What EXPLAIN asks of the one shard, as if `nodeId` had it. */
function explained(query: string, nodeId?: number): { level: ExplainedLevel; costsOf: CostsOf } {
  const [statement] = parseQuery(query);
  if (statement?.kind !== 'select') throw new Error('a SELECT');
  const nowNs = 10n;
  const resolved = resolveSelect(
    compileStatement(statement, { nowNs }),
    (source) =>
    matchMeasurements(source, [schema]).map((found) => ({ database: 'db', retentionPolicy: 'rp', schema: found })), // prettier-ignore
  );
  const around = { nowNs, outerTags: undefined, tags: [], grid: undefined, bounds: { minNs: undefined, maxNs: undefined }, seriesLimit: 0, seriesOffset: 0 }; // prettier-ignore
  const level = explainSelect(resolved, around);
  const costsOf = ({ sources }: Scanner, at: number): readonly ScannedShards[] => {
    const source = sources[at];
    if (source?.kind !== 'measurements') return [];
    return source.parts.map(({ fragment }) => {
      const context = new FragmentContext(memoryArena(), regexCache(), () => false);
      const blocks = [...blocksOf(fragment, [shard], context)] as RowsBlock[];
      const shards = blocks.map((block) => ({ rows: costRows(block), planningNs: 1_500n }));
      return { nodeId, measurement: 'cpu', shards };
    });
  };
  return { level, costsOf };
}

function plan(query: string): readonly string[] {
  const { level, costsOf } = explained(query);
  return explainLines(level, costsOf);
}

const counts = (series: number, cached: number) => [
  'NUMBER OF SHARDS: 1',
  `NUMBER OF SERIES: ${series}`,
  `CACHED VALUES: ${cached}`,
  'NUMBER OF FILES: 0',
  'NUMBER OF BLOCKS: 0',
  'SIZE OF BLOCKS: 0',
];

test.each<[string, string, string | undefined, readonly string[]]>([
  ['SELECT n, v, host FROM cpu', '<nil>', 'host::tag, n::integer, v::float', counts(3, 10)],
  ["SELECT mean(v) FROM cpu WHERE host != 'a' AND n > 1", 'mean(v::float)', undefined, counts(2, 4)], // prettier-ignore
  ['SELECT derivative(max(v), 1s) FROM cpu WHERE time > 0 GROUP BY time(1s)', 'max(v::float)', undefined, counts(3, 6)], // prettier-ignore
  ['SELECT percentile(v, 50) FROM cpu', 'v::float', undefined, counts(3, 6)],
  ['SELECT top(v, host, 2) FROM cpu', 'max(v::float)', 'host::tag', counts(3, 6)],
  ['SELECT bottom(v, host, 2), n FROM cpu', 'min(v::float)', 'host::tag, n::integer', counts(3, 10)], // prettier-ignore
  ['SELECT top(v, 2) FROM cpu', 'v::float', undefined, counts(3, 6)],
  ['SELECT mean(s) FROM cpu', 'mean(s::string)', undefined, counts(3, 4)],
  ['SELECT sum(w) FROM (SELECT v * 2 AS w FROM cpu)', '<nil>', 'v::float', counts(3, 6)],
])('explain: %s', (query, expression, beside, rest) => {
  const head = [`EXPRESSION: ${expression}`, ...(beside === undefined ? [] : [`AUXILIARY FIELDS: ${beside}`])]; // prettier-ignore
  expect(plan(query)).toEqual([...head, ...rest]);
});

test('explain: a paragraph for each call; of names that nothing has one empty line', () => {
  const lines = plan('SELECT mean(v), count(n) FROM cpu');
  expect(lines.filter((line) => line === '' || line.startsWith('EXPRESSION'))).toEqual(['EXPRESSION: mean(v::float)', '', 'EXPRESSION: count(n::integer)']); // prettier-ignore
  expect(plan('SELECT w FROM cpu')).toEqual(['']);
  expect(plan('SELECT v FROM other')).toEqual(['']);
  expect(plan('SELECT mean(v) FROM other')[1]).toBe('NUMBER OF SHARDS: 0');
});

function tree(query: string, nodeId?: number): string {
  const { level, costsOf } = explained(query, nodeId);
  const lines = analyzeLines(level, costsOf, { planningNs: 2_000_000n, totalNs: 3_500_000n });
  return lines.filter((line) => !line.includes('_blocks_')).join('\n');
}

test('explain analyze: the tree of a query over a subquery, the shards of another node below it', () => {
  const query = "SELECT max(w) FROM (SELECT v AS w, host FROM cpu WHERE host = 'a' OR n > 1 GROUP BY *) WHERE time < 9"; // prettier-ignore
  expect(`\n${tree(query, 5).replaceAll('\u00a0', ' ')}`).toBe(
    `
.
└── select
    ├── execution_time: 1.5ms
    ├── planning_time: 2ms
    ├── total_time: 3.5ms
    └── build_cursor
        ├── labels
        │   └── statement: SELECT max(w::float) FROM (SELECT v::float AS w, host::tag FROM cpu WHERE host::tag = 'a' OR n::integer > 1 GROUP BY host)
        └── iterator_scanner
            ├── labels
            │   └── expr: max(w::float)
            └── build_cursor
                ├── labels
                │   └── statement: SELECT v::float AS w, host::tag FROM cpu WHERE host::tag = 'a' OR n::integer > 1 GROUP BY host
                └── iterator_scanner
                    ├── labels
                    │   └── auxiliary_fields: host::tag, v::float
                    └── remote_iterator
                        ├── labels
                        │   └── node_id: 5
                        └── create_iterator
                            ├── labels
                            │   ├── cond: host::tag = 'a' OR n::integer > 1
                            │   ├── measurement: cpu
                            │   └── shard_id: 7
                            ├── cursors_ref: 0
                            ├── cursors_aux: 3
                            ├── cursors_cond: 2
                            └── planning_time: 1.5µs
`.replace('└── planning_time', '├── planning_time'),
  );
});

test('explain analyze: without a series that passes nothing was opened; lines have spaces that do not break', () => {
  const lines = tree("SELECT mean(v), max(n) FROM cpu WHERE host = 'z'").split('\n');
  expect(lines.filter((line) => line.includes('iterator'))).toEqual(['        ├── iterator_scanner', '        └── iterator_scanner']); // prettier-ignore
  expect(lines).toContain('        │\u00a0\u00a0 ├── labels'.replace('├', '└'));
});

test.each([
  ["(time > 0 AND time < 1h * 2) OR (v > 1 + 1 AND host = 'a')", "(time > 0 AND time < 2h) OR (v::float > 2 AND host::tag = 'a')"], // prettier-ignore
  ["time >= '1970-01-01' + 1h - 30m AND time < '1970-01-02'", "time >= '1970-01-01T00:30:00Z' AND time < '1970-01-02'"], // prettier-ignore
  ['time > now() - 10ns AND n > 1 AND 1 = 1', "time > '1970-01-01T00:00:00Z' AND n::integer > 1"],
  ["'1970-01-01' < time AND host =~ /a/", "'1970-01-01' < time AND host::tag =~ /a/"],
  ['(time > 5)', 'time > 5'],
])('explain analyze: a subquery is told with its bounds of time: %s', (condition, told) => {
  const inside = `SELECT v::float AS w FROM cpu WHERE ${told}`;
  const query = `SELECT w FROM (SELECT v AS w FROM cpu WHERE ${condition}) WHERE time < 9`;
  const lines = tree(query).split('\n').filter((line) => line.includes('statement: ')); // prettier-ignore
  const texts = lines.map((line) => line.slice(line.indexOf('statement: ') + 11));
  expect(texts).toEqual([`SELECT w::float FROM (${inside})`, inside]);
});

test('explain analyze: a shard without the field of a call has no iterator, one of a list without calls has', () => {
  const iterators = (query: string): number => {
    const { level, costsOf } = explained(query);
    const bare: CostsOf = (scanner, at) =>
      costsOf(scanner, at).map((one) => ({
        ...one,
        shards: one.shards.map((each) => ({
          ...each,
          rows: each.rows.filter(({ role }) => role !== 'read'),
        })),
      }));
    const lines = analyzeLines(level, bare, { planningNs: 1n, totalNs: 2n });
    return lines.filter((line) => line.includes('create_iterator')).length;
  };
  expect(iterators('SELECT last(n) FROM cpu')).toBe(0);
  expect(iterators('SELECT n FROM cpu')).toBe(1);
});
