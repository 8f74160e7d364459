import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseQuery } from '../../influxql/parser.ts';
import { columnOf, type Cell } from './cells.ts';
import type { Expr } from '../../influxql/ast.ts';
import type { Column, ColumnType } from '../column.ts';
import type { CheckContext, PlannedCall, Points, Window } from './function.ts';
import { findFunction } from './registry.ts';

/** What a real 1.12.4 answers to each call over one series; times are seconds. */
interface Recorded {
  readonly points: readonly (readonly [number, number, number, string, boolean])[];
  readonly cases: readonly {
    readonly call: string;
    readonly tail: string;
    readonly answer: readonly (readonly [number, unknown])[] | { readonly error: string };
  }[];
}

const recorded = JSON.parse(
  readFileSync(join(import.meta.dirname, 'testdata/recorded-1.12.4.json'), 'utf8'),
) as Recorded;

const fields: Readonly<Record<string, { readonly at: number; readonly type: ColumnType }>> = {
  f: { at: 1, type: 'float' },
  n: { at: 2, type: 'integer' },
  s: { at: 3, type: 'string' },
  b: { at: 4, type: 'boolean' },
};
const secondNs = 1_000_000_000n;
const rangeStartNs = 1000n * secondNs;

const context: CheckContext = {
  intervalNs: 0n,
  isIntervalInherited: false,
  symbol: () => undefined,
  nested: () => undefined,
  alone: () => undefined,
};

const named = recorded.cases.map((one) => [one.call + one.tail, one] as const);

test.each(named)('functions: %s', (_name, { call, tail, answer }) => {
  const run = (): unknown => answerOf(call, tail);
  if ('error' in answer) {
    expect(run).toThrow(answer.error);
    return;
  }
  const rows = run() as readonly (readonly [number, unknown])[];
  expect(rows.map(([time]) => time)).toEqual(answer.map(([time]) => time));
  rows.forEach(([, value], i) => {
    const right = answer[i]?.[1];
    // Forecasts hang on the last digit of every step before.
    const digits = call.startsWith('holt') ? 1e-6 : 1e-12;
    if (typeof right === 'number' && typeof value === 'number')
      expect(Math.abs(value - right)).toBeLessThanOrEqual(Math.abs(right) * digits + 1e-13);
    else expect(value).toEqual(right);
  });
});

function answerOf(call: string, tail: string): unknown {
  const [statement] = parseQuery(`SELECT ${call} FROM m${tail}`);
  if (statement?.kind !== 'select') throw new Error('not a SELECT');
  const expr = statement.fields[0]?.expr;
  if (expr?.kind !== 'call') throw new Error('not a call');
  const intervalNs = BigInt(intervalOf(tail)) * secondNs;
  const ascending = !tail.includes('DESC');
  const points = run(expr, { intervalNs, ascending });
  return Array.from(points.timesNs, (timeNs, i) => [
    Number(timeNs / secondNs),
    shown(points.values, i),
  ]);
}

interface Statement {
  readonly intervalNs: bigint;
  readonly ascending: boolean;
}

function run(expr: Expr & { kind: 'call' }, statement: Statement): Points {
  const definition = findFunction(expr.name);
  if (definition === undefined) throw new Error(`no function ${expr.name}`);
  definition.check(expr.args, { ...context, intervalNs: statement.intervalNs });
  const [argument] = expr.args;
  const input = argument?.kind === 'call' ? run(argument, statement) : series(argument, statement);
  const call: PlannedCall = {
    ...expr,
    argumentType: input.values.type,
    auxTypes: [],
    auxInside: 0,
    showsTimes: statement.intervalNs === 0n,
    offsetNs: 0n,
    ...statement,
  };
  const type = definition.resultType(input.values.type, expr.args);
  if (definition.kind === 'transformation') {
    const transformation = definition.transformation(call);
    // In two batches, as the engine may have it.
    const half = Math.floor(input.timesNs.length / 2);
    const parts = [
      transformation.push(cut(input, 0, half)),
      transformation.push(cut(input, half, input.timesNs.length)),
      transformation.finish(),
    ];
    return joined(type, parts);
  }
  const reducer = definition.reducer(call);
  const parts = windowsOf(input, statement).map(({ window, start, end }) => {
    const middle = Math.floor((start + end) / 2);
    reducer.add(cut(input, start, middle));
    reducer.add(cut(input, middle, end));
    return reducer.finish(window);
  });
  if (reducer.end !== undefined) parts.push(reducer.end());
  const all = joined(type, parts);
  const isSelector = definition.kind === 'selector';
  if (!isSelector || definition.keepsTimes || statement.intervalNs === 0n) return all;
  // The engine gives windows their start.
  const timesNs = all.timesNs.map((timeNs) => timeNs - (timeNs % statement.intervalNs));
  return { ...all, timesNs };
}

function intervalOf(tail: string): number {
  const [, count = '0', unit] = /time\((\d+)([ms])\)/.exec(tail) ?? [];
  return Number(count) * (unit === 'm' ? 60 : 1);
}

function series(argument: Expr | undefined, { ascending }: Statement): Points {
  const { at, type } = fields[argument?.kind === 'ref' ? argument.name : ''] ?? {
    at: 1,
    type: 'float',
  };
  const rows = ascending ? recorded.points : recorded.points.toReversed();
  return {
    timesNs: BigInt64Array.from(rows, ([time]) => BigInt(time) * secondNs),
    values: columnOf(type, rows.map((row) => cellOf(type, row[at]))), // prettier-ignore
    aux: [],
  };
}

function cellOf(type: ColumnType, value: unknown): Cell {
  if (type === 'integer') return BigInt(value as number);
  return typeof value === 'boolean' ? Number(value) : (value as Cell);
}

function windowsOf({ timesNs }: Points, { intervalNs }: Statement) {
  const windows: { readonly window: Window; readonly start: number; end: number }[] = [];
  timesNs.forEach((timeNs, i) => {
    const startNs = intervalNs === 0n ? rangeStartNs : timeNs - (timeNs % intervalNs);
    const last = windows[windows.length - 1];
    if (last?.window.startNs === startNs) last.end = i + 1;
    else windows.push({ window: { startNs, endNs: startNs + intervalNs }, start: i, end: i + 1 });
  });
  return windows;
}

function cut({ timesNs, values }: Points, start: number, end: number): Points {
  const cells = cellsOf(values).slice(start, end);
  return { timesNs: timesNs.slice(start, end), values: columnOf(values.type, cells), aux: [] };
}

function joined(type: ColumnType, parts: readonly Points[]): Points {
  return {
    timesNs: BigInt64Array.from(parts.flatMap(({ timesNs }) => [...timesNs])),
    values: columnOf(type, parts.flatMap(({ values }) => cellsOf(values))), // prettier-ignore
    aux: [],
  };
}

function cellsOf(column: Column): readonly Cell[] {
  if (column.type !== 'string') return [...column.values];
  const { offsets, bytes } = column.values;
  return Array.from({ length: offsets.length - 1 }, (_, i) =>
    Buffer.from(bytes.subarray(offsets[i], offsets[i + 1])).toString('latin1'),
  );
}

function shown(column: Column, row: number): unknown {
  const cell = cellsOf(column)[row];
  if (column.type === 'boolean') return cell === 1;
  if (typeof cell === 'bigint') return Number(cell);
  return Number.isNaN(cell) ? null : cell;
}
