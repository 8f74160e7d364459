import { DbError } from '../../base/errors.ts';
import type { Expr } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { checkMathArguments, isMathFunction } from './math-functions.ts';
import { visitExpr } from './walk-expr.ts';

/** Only functions of one row's values may stand in WHERE. Throws the reference's texts. */
export function checkCondition(condition: Expr): void {
  visitExpr(condition, (part) => {
    if (part.kind !== 'call') return;
    if (!isMathFunction(part.name))
      throw new DbError('invalid_argument', `invalid function call in condition: ${printExpr(part)}`); // prettier-ignore
    // log() takes one argument here, as it does nowhere else.
    if (part.name === 'log' && part.args.length === 1) return;
    if (part.name === 'log')
      throw new DbError('invalid_argument', `invalid number of arguments for log, expected 1, got ${part.args.length}`); // prettier-ignore
    checkMathArguments(part.name, part.args.length);
  });
}
