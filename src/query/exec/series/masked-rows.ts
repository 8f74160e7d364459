import type {
  Mask,
  MaskOperator,
  PlacedNumbers,
  QueryKernel,
} from '../../../kernels/query-kernel.ts';
import type { Column } from '../../column.ts';
import type { CompareOperator, Operand, Predicate, Value } from '../../predicate.ts';
import type { RowChunk } from './series-rows.ts';

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
  const mask = new Masks(chunk, names, kernel).of(predicate);
  const rows = mask && kernel.rows(mask);
  kernel.arena.release(mark);
  return rows;
}

interface PlacedColumn {
  readonly numbers: PlacedNumbers;
  /** Rows that have a value; absent where all have. */
  readonly valid: Mask | undefined;
}

/** Each column is in the arena once, and there are as many masks as the predicate is deep, however many terms it has. */
class Masks {
  readonly #chunk: RowChunk;
  readonly #names: readonly string[];
  readonly #kernel: QueryKernel;
  readonly #columns = new Map<string, PlacedColumn | undefined>();
  readonly #free: Mask[] = [];

  constructor(chunk: RowChunk, names: readonly string[], kernel: QueryKernel) {
    this.#chunk = chunk;
    this.#names = names;
    this.#kernel = kernel;
  }

  of(predicate: Predicate): Mask | undefined {
    switch (predicate.kind) {
      case 'constant':
        return this.#constant(predicate.value);
      case 'and':
      case 'or': {
        const left = this.of(predicate.left);
        const right = left && this.of(predicate.right);
        if (left === undefined || right === undefined) return undefined;
        this.#kernel[predicate.kind](left, right);
        this.#free.push(right);
        return left;
      }
      case 'compare': {
        const { left, right, operator } = predicate;
        if (right.kind === 'field') return this.#compare(right, flipped[operator], left);
        return this.#compare(left, operator, right);
      }
      case 'match':
      case 'program':
        return undefined;
    }
  }

  #compare(field: Operand, operator: CompareOperator, other: Operand): Mask | undefined {
    if (field.kind !== 'field' || other.kind !== 'constant') return undefined;
    const column = this.#column(field.name);
    const exact = column && exactComparison(column.numbers, operator, other.value);
    if (column === undefined || exact === undefined) return undefined;
    const mask = typeof exact === 'boolean' ? this.#constant(exact) : this.#mask();
    if (typeof exact !== 'boolean')
      this.#kernel.compare(column.numbers, exact.operator, exact.bound, mask);
    if (column.valid !== undefined) this.#kernel.and(mask, column.valid);
    return mask;
  }

  /** Undefined for one that is not of numbers. */
  #column(name: string): PlacedColumn | undefined {
    const known = this.#columns.get(name);
    if (known !== undefined || this.#columns.has(name)) return known;
    const placed = this.#placed(this.#chunk.columns[this.#names.indexOf(name)]);
    this.#columns.set(name, placed);
    return placed;
  }

  #placed(column: Column | undefined): PlacedColumn | undefined {
    if (column?.type !== 'float' && column?.type !== 'integer' && column?.type !== 'unsigned')
      return undefined;
    const numbers = this.#kernel.placeNumbers(column.type, column.values);
    return { numbers, valid: column.valid && this.#kernel.bytesMask(column.valid) };
  }

  #constant(passes: boolean): Mask {
    const mask = this.#mask();
    this.#kernel.fill(mask, passes);
    return mask;
  }

  #mask(): Mask {
    return this.#free.pop() ?? this.#kernel.newMask(this.#chunk.timesNs.length);
  }
}

/** The comparison with a bound of the column's own type, or what it always gives; undefined when that is not certain. */
function exactComparison(
  { type }: Pick<PlacedNumbers, 'type'>,
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
