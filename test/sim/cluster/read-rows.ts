import { isDbError } from '../../../src/base/errors.ts';
import { maxTimeNs, minTimeNs } from '../../../src/base/units.ts';
import { everyone } from '../../../src/data/statements/principal.ts';
import type { LocalShards } from '../../../src/data/engine/local-shards.ts';
import { parseQuery } from '../../../src/influxql/parser.ts';
import { type Column, isValid } from '../../../src/query/column.ts';
import type { OutputSeries } from '../../../src/query/emit/result.ts';
import { fragmentVersion, type RowsBlock } from '../../../src/query/fragment.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { rowKey, type Rows, rowText, valueText } from './points.ts';

const options = { deadlineMs: 60_000 };
const decoder = new TextDecoder();

/** All rows that a node holds, read through its own engine, and shards that it says are damaged. */
export async function storedRows(
  local: LocalShards,
): Promise<{ readonly rows: Rows; readonly damagedIds: readonly number[] }> {
  const rows = new Map<string, string>();
  const damagedIds: number[] = [];
  for (const { shardId } of await local.facts.holdings()) {
    try {
      await addShard(local, shardId, rows);
    } catch (error) {
      if (!isDbError(error, 'corrupt')) throw error;
      damagedIds.push(shardId);
    }
  }
  return { rows, damagedIds };
}

/** The rows of one shard that a node holds. */
export async function shardRows(local: LocalShards, shardId: number): Promise<Rows> {
  const rows = new Map<string, string>();
  await addShard(local, shardId, rows);
  return rows;
}

async function addShard(
  local: LocalShards,
  shardId: number,
  rows: Map<string, string>,
): Promise<void> {
  const { measurements } = await local.describe([shardId], options);
  for (const { name: measurement, fields, tagKeys } of measurements) {
    const fragment = {
      version: fragmentVersion,
      measurement,
      shardIds: [shardId],
      minTimeNs,
      maxTimeNs,
      ascending: true,
      groupBy: [...tagKeys].sort(),
      task: {
        kind: 'rows',
        columns: fields.map(([name, type]) => ({ kind: 'field', name, type }) as const),
        rowsMax: 0,
      },
    } as const;
    const blocks: RowsBlock[] = [];
    for await (const batch of local.fragment(fragment, options))
      blocks.push(...([batch].flat() as RowsBlock[])); // prettier-ignore
    for (const block of blocks) {
      const tags = fragment.groupBy.map((key, i) => [key, block.group[i] ?? ''] as const);
      const columns = fields.map(([name], i) => [name, block.columns[i]] as const);
      addRows(rows, seriesOf(measurement, tags), {
        timesNs: block.timesNs,
        columns,
        end: block.timesNs.length,
      });
    }
  }
}

/** What a statement answers, or the error's text. */
export async function ask(
  node: DataNode,
  text: string,
  database: string,
  heldBytesMax = 0,
): Promise<readonly OutputSeries[] | string> {
  const request = {
    statements: parseQuery(text),
    database,
    retentionPolicy: '',
    principal: everyone,
    isReadOnly: false,
    bucketsMax: 0,
    timeoutMs: 0,
    heldBytesMax,
    signal: new AbortController().signal,
  };
  const series: OutputSeries[] = [];
  for await (const result of node.executor.execute(request)) {
    if (result.error !== undefined) return result.error;
    series.push(...result.series);
  }
  return series;
}

/** Rows of `SELECT ... GROUP BY <all tags>`; throws when a series is not in order or a point is there twice. */
export function answeredRows(answer: readonly OutputSeries[]): Rows {
  const rows = new Map<string, string>();
  for (const series of answer) {
    if (series.kind !== 'columns') continue;
    const names = series.columns.slice(1);
    const columns = names.map((name, i) => [name, series.values[i]] as const);
    addRows(rows, seriesOf(series.name ?? '', series.tags ?? []), { ...series, columns });
  }
  return rows;
}

function addRows(
  rows: Map<string, string>,
  series: string,
  block: {
    readonly timesNs: BigInt64Array;
    readonly columns: readonly (readonly [name: string, column: Column | undefined])[];
    readonly start?: number;
    readonly end: number;
  },
): void {
  const { timesNs, columns, start = 0, end } = block;
  for (let row = start; row < end; row++) {
    const timeNs = timesNs[row] ?? 0n;
    if (row > start && timeNs <= (timesNs[row - 1] ?? 0n))
      throw new Error(`times of ${series} are not in order at ${timeNs}`);
    const fields: (readonly [name: string, value: string])[] = [];
    for (const [name, column] of columns) {
      const value = column === undefined ? undefined : textAt(column, row);
      if (value !== undefined) fields.push([name, value]);
    }
    const key = rowKey(series, timeNs);
    if (rows.has(key)) throw new Error(`the point ${key} is there twice`);
    rows.set(key, rowText(fields));
  }
}

function seriesOf(measurement: string, tags: readonly (readonly [string, string])[]): string {
  const given = tags.filter(([, value]) => value !== '');
  return [measurement, ...given.map(([key, value]) => `${key}=${value}`)].join(',');
}

function textAt(column: Column, row: number): string | undefined {
  if (!isValid(column, row)) return undefined;
  switch (column.type) {
    case 'float':
      return valueText.float(column.values[row] ?? 0);
    case 'integer':
    case 'unsigned':
      return valueText.integer(column.values[row] ?? 0n);
    case 'boolean':
      return valueText.boolean(column.values[row] === 1);
    case 'string': {
      const { offsets, bytes } = column.values;
      return valueText.string(decoder.decode(bytes.subarray(offsets[row], offsets[row + 1])));
    }
  }
}
