import { exactBytesOf, exactTextOf } from '../../base/exact-text.ts';
import { DbError } from '../../base/errors.ts';
import { quoteGo } from '../../base/go-format.ts';
import type { Measurement } from '../../influxql/ast.ts';
import { canBeginLine, escapeMeasurement, escapeTag } from '../../models/series-key.ts';
import { isValid, type Column } from '../../query/column.ts';
import type { ColumnSeries, RowSeries } from '../../query/emit/result.ts';
import type { SeriesRules } from '../access/series-rules.ts';
import type { LeaseFence } from '../engine/shard-access.ts';
import type { ConsistencyLevel } from '../write/consistency.ts';
import type { Pacer } from '../../query/run/pacer.ts';

/** Where INTO writes: what the points writer takes of a body of lines. */
export type WriteLines = (request: {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Line protocol, nanoseconds; it moves to a worker. */
  readonly body: Uint8Array;
  readonly fence?: LeaseFence | undefined;
  /** What is restricted for whoever writes. */
  readonly rules?: SeriesRules | undefined;
  /** Who writes, for the figures of what comes in; left out: SELECT INTO. */
  readonly login?: string | undefined;
  /** Left out: as the statement has it. */
  readonly level?: ConsistencyLevel | undefined;
}) => Promise<void>;

/** So many points go to the points writer at once, as in the reference. */
const batchPoints = 10_000;
/** Of characters: fewer points, where they are long. Nobody else counts what a batch takes of memory. */
const batchLengthMax = 4 << 20;
/** Rows are turned to text so many at a time before others may run. */
const sliceRows = 1_000;

export interface IntoPorts {
  readonly write: WriteLines;
  readonly pacer: Pacer;
  /** Of whoever runs it, if only the holder of a lease may. */
  readonly fence?: LeaseFence | undefined;
  /** `strict-error-handling`: a row that cannot be stored ends the statement with the reason. */
  readonly isStrict?: boolean | undefined;
}

/**
 * SELECT INTO (spec 6.3): each row of the answer becomes a point of the target, tags of the group included; a target
 * without a name (`:MEASUREMENT`) takes the row's own. Rows without a value, and those with a float that is no finite
 * number, are left out, or end it where that is asked for. What was written before an error stays written.
 */
export async function writeInto(
  batches: AsyncIterable<readonly ColumnSeries[]>,
  target: Measurement,
  { write, pacer, fence, isStrict = false }: IntoPorts,
): Promise<RowSeries> {
  const { database, retentionPolicy } = target;
  if (database === '') throw new DbError('invalid_argument', 'no database in target');
  let lines: string[] = [];
  let length = 0;
  let writtenCount = 0n;
  const flush = async () => {
    if (lines.length === 0) return;
    const body = exactBytesOf(lines.join('\n'));
    lines = [];
    length = 0;
    await write({ database, retentionPolicy, body: new Uint8Array(body), ...(fence !== undefined && { fence }) }); // prettier-ignore
  };
  const take = async (piece: ColumnSeries): Promise<void> => {
    const lineOf = lineWriter(piece, target.name, isStrict);
    for (let row = piece.start; row < piece.end; row++) {
      const line = lineOf(row);
      if (line === undefined) continue;
      writtenCount++;
      length += line.length;
      if (lines.push(line) >= batchPoints || length >= batchLengthMax) await flush();
      if (row % sliceRows === 0) await pacer.pause();
    }
  };
  for await (const batch of batches) for (const piece of batch) await take(piece);
  await flush();
  return { kind: 'rows', name: 'result', columns: ['time', 'written'], rows: [[0n, writtenCount]] };
}

function lineWriter(
  { name, tags = [], columns, values, timesNs, pointTags = [] }: ColumnSeries,
  targetName: string,
  isStrict: boolean,
): (row: number) => string | undefined {
  if (columns[0] !== 'time')
    throw new DbError('invalid_argument', 'error finding time index in result');
  const measured = targetName === '' ? (name ?? '') : targetName;
  if (!canBeginLine(measured))
    throw notStored(`no line of a point begins with ${quoteGo(measured)}`);
  const measurement = escapeMeasurement(measured);
  const isTag = new Set(pointTags);
  // Of columns of one name the last one counts.
  const fields = new Map<string, Column>();
  const tagColumns: { readonly key: string; readonly column: Column }[] = [];
  values.forEach((column, i) => {
    const key = columns[i + 1] ?? '';
    if (isTag.has(i)) tagColumns.push({ key, column });
    else fields.set(key, column);
  });
  const keys = [...fields].map(([key, column]) => ({ key, prefix: `${escapeTag(key)}=`, column }));
  return (row) => {
    // A tag of the group that is named inside of top() as well is the point's.
    const own = new Map([...tags, ...tagColumns.map(({ key, column }) => [key, textAt(column, row)] as const)]); // prettier-ignore
    const parts: string[] = [];
    for (const { key, prefix, column } of keys) {
      if (!isValid(column, row)) continue;
      const text = fieldText(column, row);
      if (text === undefined) {
        if (isStrict) throw notStored(`+/-Inf is an unsupported value for field ${key}`);
        return undefined;
      }
      parts.push(prefix + text);
    }
    if (parts.length === 0) {
      if (isStrict) throw notStored('point without fields is unsupported');
      return undefined;
    }
    const tagText = [...own].map(([key, value]) => (value === '' ? '' : `,${escapeTag(key)}=${escapeTag(value)}`)); // prettier-ignore
    return `${measurement}${tagText.join('')} ${parts.join(',')} ${timesNs[row] ?? 0n}`;
  };
}

function notStored(reason: string): DbError {
  return new DbError('invalid_argument', reason);
}

function textAt(column: Column, row: number): string {
  if (column.type !== 'string' || !isValid(column, row)) return '';
  const { offsets, bytes } = column.values;
  const text = bytes.subarray(offsets[row] ?? 0, offsets[row + 1] ?? 0);
  return exactTextOf(text);
}

/** A field's value in line protocol; undefined for a float that cannot be stored. */
function fieldText(column: Column, row: number): string | undefined {
  switch (column.type) {
    case 'float': {
      const value = column.values[row] ?? 0;
      if (!Number.isFinite(value)) return undefined;
      return Object.is(value, -0) ? '-0' : String(value);
    }
    case 'integer':
      return `${column.values[row] ?? 0n}i`;
    case 'unsigned':
      return `${column.values[row] ?? 0n}u`;
    case 'boolean':
      return column.values[row] === 1 ? 'true' : 'false';
    case 'string':
      return `"${textAt(column, row).replaceAll(/["\\]/g, '\\$&')}"`;
  }
}
