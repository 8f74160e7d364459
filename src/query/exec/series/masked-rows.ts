import type { Mask, MaskOperator, QueryKernel } from '../../../kernels/query-kernel.ts';
import type { Column } from '../../column.ts';
import type { CompareOperator, Operand, Predicate, Value } from '../../predicate.ts';
import type { RowChunk } from './series-rows.ts';

type NumberColumn = Extract<Column, { type: 'float' | 'integer' | 'unsigned' }>;

const flipped: Readonly<Record<CompareOperator, CompareOperator>> = {
  '=': '=',
  '!=': '!=',
  '<': '>',
  '<=': '>=',
  '>': '<',
  '>=': '<=',
};

/**
 * The rows that pass a predicate made of AND, OR and comparisons of number fields with constants, by the kernel; undefined
 * when it holds anything else, which evaluate() of predicate.ts decides row by row.
 */
export function maskedRows(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
  kernel: QueryKernel,
): Uint32Array | undefined {
  const mark = kernel.arena.mark();
  const mask = maskOf(chunk, predicate, names, kernel);
  const rows = mask && kernel.rows(mask);
  kernel.arena.release(mark);
  return rows;
}

function maskOf(
  chunk: RowChunk,
  predicate: Predicate,
  names: readonly string[],
  kernel: QueryKernel,
): Mask | undefined {
  switch (predicate.kind) {
    case 'constant':
      return kernel.constantMask(chunk.timesNs.length, predicate.value);
    case 'and':
    case 'or': {
      const left = maskOf(chunk, predicate.left, names, kernel);
      const right = left && maskOf(chunk, predicate.right, names, kernel);
      if (left === undefined || right === undefined) return undefined;
      return predicate.kind === 'and' ? kernel.and(left, right) : kernel.or(left, right);
    }
    case 'compare': {
      const { left, right, operator } = predicate;
      if (right.kind === 'field') return compareMask(chunk, { names, field: right, operator: flipped[operator], other: left }, kernel); // prettier-ignore
      return compareMask(chunk, { names, field: left, operator, other: right }, kernel);
    }
    case 'match':
    case 'program':
      return undefined;
  }
}

interface Comparison {
  readonly names: readonly string[];
  readonly field: Operand;
  readonly operator: CompareOperator;
  readonly other: Operand;
}

function compareMask(
  chunk: RowChunk,
  { names, field, operator, other }: Comparison,
  kernel: QueryKernel,
): Mask | undefined {
  if (field.kind !== 'field' || other.kind !== 'constant') return undefined;
  const column = chunk.columns[names.indexOf(field.name)];
  if (column?.type !== 'float' && column?.type !== 'integer' && column?.type !== 'unsigned')
    return undefined;
  const exact = exactComparison(column, operator, other.value);
  if (exact === undefined) return undefined;
  const mask =
    typeof exact === 'boolean'
      ? kernel.constantMask(column.values.length, exact)
      : kernel.compare(column.type, column.values, exact.operator, exact.bound);
  return column.valid === undefined ? mask : kernel.and(mask, kernel.bytesMask(column.valid));
}

/** The comparison with a bound of the column's own type, or what it always gives; undefined when that is not certain. */
function exactComparison(
  { type }: NumberColumn,
  operator: CompareOperator,
  value: Value,
): { readonly operator: MaskOperator; readonly bound: number | bigint } | boolean | undefined {
  if (type === 'float') {
    const bound = Number(value);
    const isExact = typeof value === 'number' || (typeof value === 'bigint' && BigInt.asIntN(54, value) === value); // prettier-ignore
    return isExact ? { operator, bound } : undefined;
  }
  const [least, greatest] = type === 'integer' ? [-(2n ** 63n), 2n ** 63n - 1n] : [0n, 2n ** 64n - 1n]; // prettier-ignore
  const whole = wholeBound(operator, value);
  if (whole === undefined || typeof whole === 'boolean') return whole;
  return whole.bound >= least && whole.bound <= greatest ? whole : undefined;
}

/** A whole number between which and a fraction no integer lies. */
function wholeBound(
  operator: CompareOperator,
  value: Value,
): { readonly operator: MaskOperator; readonly bound: bigint } | boolean | undefined {
  if (typeof value === 'bigint') return { operator, bound: value };
  if (typeof value !== 'number' || !Number.isFinite(value)) return undefined;
  if (Number.isInteger(value)) return { operator, bound: BigInt(value) };
  const floor = BigInt(Math.floor(value));
  switch (operator) {
    case '=':
      return false;
    case '!=':
      return true;
    case '<':
    case '<=':
      return { operator: '<=', bound: floor };
    case '>':
    case '>=':
      return { operator: '>', bound: floor };
  }
}
