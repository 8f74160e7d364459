import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { checkMathArguments, isMathFunction } from './math-functions.ts';

/**
 * Only functions of one row's values may stand in WHERE. Throws the reference's texts, and as it does not look into parentheses:
 * what is wrong there has no value.
 */
export function checkCondition(condition: Expr): void {
  const pending: Expr[] = [condition];
  for (let part = pending.pop(); part !== undefined; part = pending.pop()) {
    if (part.kind === 'binary') pending.push(part.right, part.left);
    if (part.kind !== 'call') continue;
    if (!isMathFunction(part.name))
      throw new DbError('invalid_argument', `invalid function call in condition: ${printExpr(part)}`); // prettier-ignore
    pending.push(...part.args.toReversed());
    // log() takes one argument here, as it does nowhere else.
    if (part.name === 'log' && part.args.length === 1) continue;
    if (part.name === 'log')
      throw new DbError('invalid_argument', `invalid number of arguments for log, expected 1, got ${part.args.length}`); // prettier-ignore
    checkMathArguments(part.name, part.args.length);
  }
}
