/** distinct(): each value of the window once, in the order in which they were first seen, those of one time by value. */
import type { Expr } from '../../influxql/ast.ts';
import type { Column, ColumnType } from '../column.ts';
import { cellAt, cellBytes, compareCells, pointsOf, type Cell } from './cells.ts';
import { firstOf, invalid } from './checks.ts';
import type { AggregateDefinition, Points, Window, WindowReducer } from './function.ts';
import { doublesOfIntegers, type NumberColumn } from './gathered-numbers.ts';

export const distinctFunction: AggregateDefinition = {
  kind: 'aggregate',
  name: 'distinct',
  check(args) {
    if (args.length === 0) throw invalid('distinct function requires at least one argument');
    if (args.length !== 1) throw invalid('distinct function can only have one argument');
    if (firstOf(args).kind !== 'ref') throw invalid('expected field argument in distinct()');
  },
  resultType: (type) => type,
  reducer: ({ argumentType }) => new Distinct(argumentType),
};

/** Whether an expression calls `name`; `distinct value` is a call without parentheses. */
export function isCall(expr: Expr, name: string): boolean {
  return (expr.kind === 'call' && expr.name === name) || expr.kind === name;
}

function isIntegers(
  column: Column,
): column is Extract<NumberColumn, { values: BigInt64Array | BigUint64Array }> {
  return column.type === 'integer' || column.type === 'unsigned';
}

class Distinct implements WindowReducer {
  readonly #type: ColumnType;
  /** Value, as a number where it is one, to the time at which it was first seen, and as it was then: a map takes -0 for 0, and NaN for NaN. */
  readonly #seen = new Map<Cell | symbol, { readonly timeNs: bigint; readonly cell: Cell }>();
  #heldBytes = 128;

  constructor(type: ColumnType) {
    this.#type = type;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  add({ timesNs, values }: Points): void {
    const doubles = isIntegers(values) ? doublesOfIntegers(values.values) : undefined;
    for (let i = 0; i < timesNs.length; i++) {
      // A number is found sooner than a bigint.
      const double = doubles?.[i];
      const key = this.#keyOf(double !== undefined && Number.isSafeInteger(double) ? double : cellAt(values, i)); // prettier-ignore
      if (this.#seen.has(key)) continue;
      const cell = cellAt(values, i);
      this.#seen.set(key, { timeNs: timesNs[i] ?? 0n, cell });
      this.#heldBytes += 64 + cellBytes(cell);
    }
  }

  /** No two NaN are the same. */
  #keyOf(cell: Cell): Cell | symbol {
    return Number.isNaN(cell) ? Symbol('NaN') : cell;
  }

  finish({ startNs }: Window): Points {
    const cells = this.#inOrder();
    this.#seen.clear();
    this.#heldBytes = 128;
    return pointsOf(this.#type, cells.map(() => startNs), cells); // prettier-ignore
  }

  /** Values come in the direction of time already; only those of one time have to be ordered. */
  #inOrder(): readonly Cell[] {
    const cells = Array.from(this.#seen.values(), ({ cell }) => cell);
    const runs = new Uint32Array(cells.length);
    let run = 0;
    let beforeNs: bigint | undefined;
    let at = 0;
    for (const { timeNs } of this.#seen.values()) {
      if (timeNs !== beforeNs) run++;
      runs[at++] = run;
      beforeNs = timeNs;
    }
    if (run === cells.length) return cells;
    const order = Uint32Array.from(cells, (_, i) => i);
    const runOf = (i: number): number => runs[i] ?? 0;
    order.sort((a, b) => runOf(a) - runOf(b) || compareCells(cells[a] ?? 0, cells[b] ?? 0));
    return Array.from(order, (i) => cells[i] ?? 0);
  }
}
