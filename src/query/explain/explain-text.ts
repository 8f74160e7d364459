import { formatGoDuration } from '../../influxql/duration.ts';
import type { CostRow } from '../cost-rows.ts';
import type { SourceFieldType } from '../source.ts';
import type { ExplainedLevel, Scanner } from './explain-plan.ts';

/** What shards said of a source of a scanner. */
export interface ScannedShards {
  /** The node that was asked; undefined for this one. */
  readonly nodeId: number | undefined;
  readonly measurement: string;
  readonly shards: readonly { readonly rows: readonly CostRow[]; readonly planningNs: bigint }[];
}

/** By the source of a scanner, in the order of `sources`. */
export type CostsOf = (scanner: Scanner, source: number) => readonly ScannedShards[];

/** The lines of EXPLAIN, one paragraph a source of each call (spec F73). */
export function explainLines(level: ExplainedLevel, costsOf: CostsOf): readonly string[] {
  const lines = [...paragraphs(level, costsOf)].flatMap((lines, i) => (i === 0 ? lines : ['', ...lines])); // prettier-ignore
  return lines.length === 0 ? [''] : lines;
}

function* paragraphs(level: ExplainedLevel, costsOf: CostsOf): Generator<readonly string[]> {
  for (const scanner of level.scanners)
    for (const [i, source] of scanner.sources.entries())
      if (source.kind === 'subquery') yield* paragraphs(source.level, costsOf);
      else yield paragraph(scanner, costsOf(scanner, i));
}

function paragraph({ pushed, beside }: Scanner, scanned: readonly ScannedShards[]): string[] {
  const shards = scanned.flatMap((one) => one.shards);
  const rows = shards.flatMap((shard) => shard.rows);
  const read = rows.filter(({ role }) => role === 'read');
  const sum = (of: readonly CostRow[], count: (row: CostRow) => number) => of.reduce((total, row) => total + count(row), 0); // prettier-ignore
  return [
    `EXPRESSION: ${pushed ?? '<nil>'}`,
    ...(beside.length === 0 ? [] : [`AUXILIARY FIELDS: ${beside.join(', ')}`]),
    `NUMBER OF SHARDS: ${shards.length}`,
    `NUMBER OF SERIES: ${sum(rows.filter(({ role }) => role === 'series'), (row) => row.cursorCount)}`, // prettier-ignore
    `CACHED VALUES: ${sum(read, (row) => row.cachedValues)}`,
    `NUMBER OF FILES: ${sum(read, (row) => row.fileCount)}`,
    `NUMBER OF BLOCKS: ${sum(read, (row) => row.blockCount)}`,
    `SIZE OF BLOCKS: ${sum(read, (row) => row.blockBytes)}`,
  ];
}

export interface RunTimes {
  readonly planningNs: bigint;
  readonly totalNs: bigint;
}

interface Node {
  readonly text: string;
  readonly children: readonly Node[];
}

/**
 * The lines of EXPLAIN ANALYZE: the reference's tree. Blocks are those that the cursors cover, whether they were read to
 * their end or not; its counts of blocks merged are 0, since rows are merged here.
 */
export function analyzeLines(
  level: ExplainedLevel,
  costsOf: CostsOf,
  { planningNs, totalNs }: RunTimes,
): readonly string[] {
  const times = { execution_time: totalNs - planningNs, planning_time: planningNs, total_time: totalNs }; // prettier-ignore
  const values = Object.entries(times).map(([name, ns]) => leaf(name, formatGoDuration(ns)));
  const select = { text: 'select', children: [...values, cursorNode(level, costsOf)] };
  return ['.', ...treeLines([select], ''), ''];
}

function leaf(name: string, value: string | number): Node {
  return { text: `${name}: ${value}`, children: [] };
}

function labels(values: Readonly<Record<string, string | undefined>>): Node {
  const known = Object.entries(values).flatMap(([name, value]) => value === undefined ? [] : [leaf(name, value)]); // prettier-ignore
  return { text: 'labels', children: known };
}

function cursorNode(level: ExplainedLevel, costsOf: CostsOf): Node {
  const scanners = level.scanners.map((scanner) => scannerNode(scanner, costsOf));
  return { text: 'build_cursor', children: [labels({ statement: level.statement }), ...scanners] };
}

function scannerNode(scanner: Scanner, costsOf: CostsOf): Node {
  const { beside, expression, sources } = scanner;
  const head = labels({
    auxiliary_fields: beside.length === 0 ? undefined : beside.join(', '),
    expr: expression,
  });
  const children = sources.flatMap((source, i) => {
    if (source.kind === 'subquery') return [cursorNode(source.level, costsOf)];
    const { driver } = source;
    return costsOf(scanner, i).flatMap(({ nodeId, measurement, shards }) => {
      const { condition: cond } = scanner;
      const isThere = ({ role, field, cursorCount }: CostRow): boolean =>
        role === 'series' ? cursorCount > 0 && driver === undefined : role === 'read' && field === driver && cursorCount > 0; // prettier-ignore
      // Of a call one that has the field, whether its series have points of it or not.
      const passing = shards.filter(({ rows }) => rows.some(isThere));
      const nodes = passing.map((shard) => iteratorNode({ cond, measurement, driver }, shard));
      if (nodeId === undefined || nodes.length === 0) return nodes;
      return [{ text: 'remote_iterator', children: [labels({ node_id: String(nodeId) }), ...nodes] }]; // prettier-ignore
    });
  });
  return { text: 'iterator_scanner', children: [head, ...children] };
}

const blockTypes: readonly SourceFieldType[] = ['float', 'integer', 'unsigned', 'string', 'boolean']; // prettier-ignore

function iteratorNode(
  { cond, measurement, driver }: { readonly cond: string | undefined; readonly measurement: string; readonly driver: string | undefined }, // prettier-ignore
  { rows, planningNs }: ScannedShards['shards'][number],
): Node {
  const cursors = (isCounted: (row: CostRow) => boolean) =>
    rows.reduce((sum, row) => (isCounted(row) ? sum + row.cursorCount : sum), 0);
  const shardId = String(rows[0]?.shardId ?? 0);
  const blocks = blockTypes.flatMap((type) => {
    const own = rows.filter((row) => row.role !== 'series' && row.type === type);
    return [
      leaf(`${type}_blocks_decoded`, own.reduce((sum, row) => sum + row.blockCount, 0)), // prettier-ignore
      leaf(`${type}_blocks_size_bytes`, own.reduce((sum, row) => sum + row.blockBytes, 0)), // prettier-ignore
      leaf(`${type}_blocks_merge_count`, 0),
      leaf(`${type}_blocks_merge_over4_count`, 0),
      leaf(`${type}_blocks_merge_values_count`, 0),
    ];
  });
  return {
    text: 'create_iterator',
    children: [
      labels({ cond, measurement, shard_id: shardId }),
      leaf('cursors_ref', cursors(({ role, field }) => role === 'read' && field === driver)), // prettier-ignore
      leaf('cursors_aux', cursors(({ role, field }) => role === 'read' && field !== driver)), // prettier-ignore
      leaf('cursors_cond', cursors(({ role }) => role === 'condition')), // prettier-ignore
      ...blocks,
      leaf('planning_time', formatGoDuration(planningNs)),
      ...blockTypes.map((type) => leaf(`${type}_blocks_merge_duration`, '0s')),
    ],
  };
}

/** The reference's tree has spaces that do not break beside its lines. */
const beside = '│\u00a0\u00a0 ';

function treeLines(nodes: readonly Node[], indent: string): readonly string[] {
  return nodes.flatMap(({ text, children }, i) => {
    const isLast = i === nodes.length - 1;
    const own = `${indent}${isLast ? '└── ' : '├── '}${text}`;
    return [own, ...treeLines(children, `${indent}${isLast ? '    ' : beside}`)];
  });
}
