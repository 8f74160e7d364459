import type { Column, ColumnType } from '../column.ts';
import type { ColumnSeries } from '../emit/result.ts';
import { cellValue, ColumnBuilder } from '../exec/column-builder.ts';
import type { ArithmeticOperator, Value } from '../predicate.ts';

/** A column of the answer as a function of the columns that were read (spec 6.4, arithmetic). */
export type ColumnExpr =
  | { readonly kind: 'input'; readonly index: number }
  | { readonly kind: 'constant'; readonly value: Value }
  /** A float as an integer, cut toward zero. */
  | { readonly kind: 'cut'; readonly of: ColumnExpr }
  | {
      readonly kind: 'arithmetic';
      readonly operator: ArithmeticOperator;
      /** Whether both sides are integers and the result is one too. */
      readonly isWhole: boolean;
      readonly left: ColumnExpr;
      readonly right: ColumnExpr;
    };

export interface ComputedColumn {
  readonly type: ColumnType;
  readonly expr: ColumnExpr;
}

/** The series with its columns replaced by what is computed of them, row by row. */
export function computeColumns(
  series: ColumnSeries,
  computed: readonly ComputedColumn[],
): ColumnSeries {
  const values = computed.map(({ type, expr }): Column => {
    const input = expr.kind === 'input' ? series.values[expr.index] : undefined;
    if (input !== undefined) return input;
    const builder = new ColumnBuilder(type, series.timesNs.length);
    for (let row = 0; row < series.timesNs.length; row++) {
      const value = valueAt(expr, series.values, row);
      builder.pushValue(value);
    }
    return builder.finish();
  });
  return { ...series, values };
}

function valueAt(expr: ColumnExpr, columns: readonly Column[], row: number): Value | null {
  switch (expr.kind) {
    case 'constant':
      return expr.value;
    case 'input': {
      const column = columns[expr.index];
      return column === undefined ? null : cellValue(column, row);
    }
    case 'cut': {
      const value = valueAt(expr.of, columns, row);
      return typeof value === 'number' ? BigInt.asIntN(64, BigInt(Math.trunc(value))) : value;
    }
    case 'arithmetic': {
      const left = valueAt(expr.left, columns, row);
      const right = valueAt(expr.right, columns, row);
      if (left === null || right === null) return null;
      if (typeof left === 'boolean' && typeof right === 'boolean')
        return booleans(expr.operator, left, right);
      if (expr.isWhole && typeof left === 'bigint' && typeof right === 'bigint')
        return integers(expr.operator, left, right);
      return floats(expr.operator, Number(left), Number(right));
    }
  }
}

function booleans(operator: ArithmeticOperator, left: boolean, right: boolean): boolean {
  if (operator === '&') return left && right;
  return operator === '|' ? left || right : left !== right;
}

/** int64 wraps; the remainder by zero is zero. Division is one of floats. */
function integers(operator: ArithmeticOperator, left: bigint, right: bigint): bigint {
  switch (operator) {
    case '+':
      return BigInt.asIntN(64, left + right);
    case '-':
      return BigInt.asIntN(64, left - right);
    case '*':
      return BigInt.asIntN(64, left * right);
    case '&':
      return left & right;
    case '|':
      return left | right;
    case '^':
      return left ^ right;
    default:
      return right === 0n ? 0n : left % right;
  }
}

/** Division by zero gives zero; what is no number has no place in an answer and is null. */
function floats(operator: ArithmeticOperator, left: number, right: number): number | null {
  const value = floatOf(operator, left, right);
  return Number.isFinite(value) ? value : null;
}

function floatOf(operator: ArithmeticOperator, left: number, right: number): number {
  switch (operator) {
    case '+':
      return left + right;
    case '-':
      return left - right;
    case '*':
      return left * right;
    case '/':
      return right === 0 ? 0 : left / right;
    default:
      return left % right;
  }
}
