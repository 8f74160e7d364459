import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import type { ColumnExpr, ComputedColumn } from '../assemble/compute-columns.ts';
import type { ColumnType } from '../column.ts';
import type { ArithmeticOperator } from '../predicate.ts';
import type { Output } from './expand-fields.ts';

/** The type of an input; undefined where no shard knows it, `tag` where it is one. */
export type InputType = ColumnType | 'tag' | undefined;

export interface CompiledInput {
  readonly type: InputType;
  /** As the reference prints it in an error: `name::type`. */
  readonly printed: Expr;
  /** A float that was asked for as an integer. */
  readonly isCut: boolean;
}

/**
 * The columns that are computed of the inputs, or undefined where each output is an input as it comes. Throws the
 * reference's type errors (spec 6.4).
 */
export function compileOutputs(
  outputs: readonly Output[],
  inputs: readonly CompiledInput[],
): readonly ComputedColumn[] | undefined {
  const compiler = new OutputCompiler(inputs);
  const computed = outputs.map(({ expr }) => compiler.column(expr));
  const isPlain = computed.every(({ expr }, i) => expr.kind === 'input' && expr.index === i);
  return isPlain ? undefined : computed;
}

interface Typed {
  readonly expr: ColumnExpr;
  readonly type: InputType;
  readonly printed: Expr;
}

class OutputCompiler {
  readonly #inputs: readonly CompiledInput[];
  #next = 0;

  constructor(inputs: readonly CompiledInput[]) {
    this.#inputs = inputs;
  }

  column(expr: Expr): ComputedColumn {
    const { expr: compiled, type } = this.#compile(expr);
    return { expr: compiled, type: type === 'tag' ? 'string' : (type ?? 'float') };
  }

  #compile(expr: Expr): Typed {
    switch (expr.kind) {
      case 'paren':
        return this.#compile(expr.expr);
      case 'ref':
      case 'call':
        return this.#input();
      case 'binary':
        return binary(expr, this.#compile(expr.left), this.#compile(expr.right));
      case 'integer':
      case 'number':
      case 'string':
      case 'boolean': {
        const type = expr.kind === 'number' ? 'float' : expr.kind;
        return { expr: { kind: 'constant', value: expr.value }, type, printed: expr };
      }
      default:
        throw new DbError('unsupported', `${printExpr(expr)} in arithmetic is not supported in this version`); // prettier-ignore
    }
  }

  #input(): Typed {
    const index = this.#next++;
    const input = this.#inputs[index];
    const expr: ColumnExpr = { kind: 'input', index };
    const printed = input?.printed ?? { kind: 'ref', name: '' };
    if (input?.isCut === true) return { expr: { kind: 'cut', of: expr }, type: 'integer', printed };
    return { expr, type: input?.type, printed };
  }
}

function binary(expr: Extract<Expr, { kind: 'binary' }>, left: Typed, right: Typed): Typed {
  const operator = expr.operator as ArithmeticOperator;
  const printed: Expr = { ...expr, left: left.printed, right: right.printed };
  const type = resultType(operator, left.type, right.type);
  if (type === 'mismatch') {
    const types = `${left.type ?? 'unknown'} and ${right.type ?? 'unknown'}`;
    throw new DbError('invalid_argument', `type error: ${printExpr(printed)}: incompatible types: ${types}`); // prettier-ignore
  }
  const isWhole = type === 'integer';
  return { expr: { kind: 'arithmetic', operator, isWhole, left: left.expr, right: right.expr }, type, printed }; // prettier-ignore
}

function resultType(
  operator: ArithmeticOperator,
  left: InputType,
  right: InputType,
): InputType | 'mismatch' {
  if (left === undefined || right === undefined) return undefined;
  const isBits = operator === '&' || operator === '|' || operator === '^';
  if (left === 'boolean' && right === 'boolean') return isBits ? 'boolean' : 'mismatch';
  if (left === 'unsigned' || right === 'unsigned')
    throw new DbError('unsupported', 'arithmetic on unsigned integers is not supported in this version'); // prettier-ignore
  if (left === 'integer' && right === 'integer') return operator === '/' ? 'float' : 'integer';
  const areNumbers = [left, right].every((type) => type === 'integer' || type === 'float');
  return areNumbers && !isBits ? 'float' : 'mismatch';
}
