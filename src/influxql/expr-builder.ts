import { must } from '../base/assert.ts';
import { DbError } from '../base/errors.ts';
import type { Expr } from './ast.ts';

/**
 * How deep an expression may be. Every walk of one is a recursion, in this room and in those that compile and run it; at
 * this depth none of them comes near the end of the stack. The reference has no such bound.
 */
const treeDepthMax = 1_000;

/** Builds expressions and knows how deep the last one is, so that none is walked to find out. */
export class ExprBuilder {
  #depth = 0;

  /** Levels of the expression that was built last; 0 is a leaf. */
  get depth(): number {
    return this.#depth;
  }

  leaf(expr: Expr): Expr {
    this.#depth = 0;
    return expr;
  }

  /** `expr`, whose deepest part has `depth` levels. Throws parse_error when it is too deep. */
  above(depth: number, expr: Expr): Expr {
    if (depth >= treeDepthMax)
      throw new DbError('parse_error', `expression nested deeper than ${treeDepthMax} levels`);
    this.#depth = depth + 1;
    return expr;
  }

  /**
   * `terms`, at least one and none deeper than `depth`, joined by AND or by OR. They stay in their order, and the tree is as
   * flat as it can be: a chain of thousands means the same however it is nested.
   */
  join(operator: 'AND' | 'OR', terms: readonly Expr[], depth: number): Expr {
    const levels = Math.ceil(Math.log2(terms.length));
    return this.above(depth + levels - 1, joinRange(operator, terms, 0, terms.length));
  }
}

/** The same of terms that stand in no text; undefined without any. */
export function joinTerms(operator: 'AND' | 'OR', terms: readonly Expr[]): Expr | undefined {
  return terms.length === 0 ? undefined : joinRange(operator, terms, 0, terms.length);
}

function joinRange(
  operator: 'AND' | 'OR',
  terms: readonly Expr[],
  start: number,
  end: number,
): Expr {
  if (end - start === 1) return must(terms[start], 'a chain has a term');
  const middle = (start + end) >> 1;
  const left = joinRange(operator, terms, start, middle);
  return { kind: 'binary', operator, left, right: joinRange(operator, terms, middle, end) };
}
