import { DbError } from '../../base/errors.ts';
import type { Expr, Field, Fill } from '../../influxql/ast.ts';
import { printExpr } from '../../influxql/printer.ts';
import { findFunction } from '../functions/registry.ts';
import { checkMathArguments, isMathFunction } from './math-functions.ts';
import { isLiteral } from './reduce-expr.ts';

export interface FieldsPlace {
  readonly intervalNs: bigint;
  readonly isIntervalInherited: boolean;
  /** 0 for none. */
  readonly limit: number;
  readonly hasTarget: boolean;
  readonly fill: Fill['kind'];
}

type Call = Extract<Expr, { kind: 'call' }>;

/**
 * Whether the fields of a list go together, as their text tells (spec 6.3, 6.4). Throws the reference's texts, the first
 * that it would find.
 */
export function checkFields(fields: readonly Field[], place: FieldsPlace): void {
  const checker = new FieldsChecker(place);
  for (const { expr } of fields) checker.field(expr);
  checker.finish(fields.length);
}

class FieldsChecker {
  readonly #place: FieldsPlace;
  #calls = 0;
  #onlySelectors = true;
  #hasFields = false;
  #hasDistinct = false;
  /** `top` or `bottom` where one of them was met. */
  #topBottom = '';
  /** Of the field at hand: a wildcard is refused once an operator was met. */
  #allowsWildcard = true;

  constructor(place: FieldsPlace) {
    this.#place = place;
  }

  field(expr: Expr): void {
    this.#allowsWildcard = true;
    this.#check(expr);
  }

  finish(count: number): void {
    if (count === 0) throw invalid('at least 1 non-time field must be queried');
    const { fill, intervalNs, isIntervalInherited } = this.#place;
    if (this.#calls > 1 && this.#topBottom !== '') throw this.#combined();
    if (this.#calls === 0) {
      if (fill === 'none' || fill === 'linear')
        throw invalid(`fill(${fill}) must be used with a function`);
      if (intervalNs !== 0n && !isIntervalInherited)
        throw invalid('GROUP BY requires at least one aggregate function');
    }
    if (this.#hasDistinct && (this.#calls !== 1 || this.#hasFields))
      throw invalid('aggregate function distinct() cannot be combined with other functions or fields'); // prettier-ignore
    if (!this.#hasFields) return;
    if (!this.#onlySelectors)
      throw invalid('mixing aggregate and non-aggregate queries is not supported');
    if (this.#calls > 1)
      throw invalid('mixing multiple selector functions with tags or fields is not supported');
  }

  #combined(): DbError {
    return invalid(`selector function ${this.#topBottom}() cannot be combined with other functions`); // prettier-ignore
  }

  /** Walks operators without the call stack; calls nest no deeper than the parser lets them. */
  #check(root: Expr): void {
    const pending: Expr[] = [root];
    for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
      if (expr.kind === 'paren') pending.push(expr.expr);
      else if (expr.kind === 'binary') {
        this.#allowsWildcard = false;
        const { left, right } = expr;
        if (isLiteral(left) && isLiteral(right))
          throw invalid('cannot perform a binary expression on two literals');
        if (!isLiteral(right)) pending.push(right);
        if (!isLiteral(left)) pending.push(left);
      } else this.#checkLeaf(expr);
    }
  }

  #checkLeaf(expr: Expr): void {
    switch (expr.kind) {
      case 'ref':
        this.#hasFields = true;
        return;
      case 'wildcard':
      case 'regex':
        this.#hasFields = true;
        if (!this.#allowsWildcard)
          throw invalid(`unable to use ${expr.kind} in a binary expression`);
        return;
      case 'distinct':
        this.#calls++;
        this.#distinct([{ kind: 'ref', name: expr.name }], false);
        return;
      case 'call':
        this.#call(expr);
        return;
      default:
        throw invalid('field must contain at least one variable');
    }
  }

  #call(call: Call): void {
    const { name, args } = call;
    if (isMathFunction(name)) {
      checkMathArguments(name, args.length);
      for (const arg of args) if (!isLiteral(arg)) this.#check(arg);
      return;
    }
    this.#calls++;
    if (name === 'distinct') this.#distinct(args, false);
    else if (name === 'top' || name === 'bottom') this.#selectMany(call);
    else this.#function(call);
  }

  #function({ name, args }: Call): void {
    const definition = findFunction(name);
    if (definition === undefined) throw invalid(`undefined function ${name}()`);
    if (definition.kind !== 'selector') this.#onlySelectors = false;
    definition.check(args, {
      intervalNs: this.#place.intervalNs,
      isIntervalInherited: this.#place.isIntervalInherited,
      symbol: (of, expr) => {
        this.#symbol(of, expr);
      },
      nested: (expr) => {
        this.#nested(expr);
      },
      alone: (expr) => {
        this.#check(expr);
      },
    });
  }

  #nested(expr: Expr): void {
    if (expr.kind === 'distinct') this.#distinct([{ kind: 'ref', name: expr.name }], true);
    else if (expr.kind === 'call' && expr.name === 'distinct') this.#distinct(expr.args, true);
    else this.#check(expr);
  }

  #symbol(name: string, expr: Expr): void {
    if (expr.kind === 'ref') return;
    if (expr.kind !== 'wildcard' && expr.kind !== 'regex')
      throw invalid(`expected field argument in ${name}()`);
    const what = expr.kind === 'wildcard' ? 'wildcard' : 'regex field';
    if (!this.#allowsWildcard) throw invalid(`unsupported expression with ${what}: ${name}()`);
    this.#onlySelectors = false;
  }

  #distinct(args: readonly Expr[], isNested: boolean): void {
    if (args.length === 0) throw invalid('distinct function requires at least one argument');
    if (args.length !== 1) throw invalid('distinct function can only have one argument');
    if (args[0]?.kind !== 'ref') throw invalid('expected field argument in distinct()');
    if (!isNested) this.#hasDistinct = true;
    this.#onlySelectors = false;
  }

  /** top() and bottom(). */
  #selectMany({ name, args }: Call): void {
    if (this.#topBottom !== '') throw this.#combined();
    if (args.length < 2)
      throw invalid(`invalid number of arguments for ${name}, expected at least 2, got ${args.length}`); // prettier-ignore
    const last = args[args.length - 1] as Expr;
    if (last.kind !== 'integer')
      throw invalid(`expected integer as last argument in ${name}(), found ${printExpr(last)}`);
    const { limit } = this.#place;
    if (last.value <= 0n) throw invalid(`limit (${last.value}) in ${name} function must be at least 1`); // prettier-ignore
    if (limit > 0 && last.value > BigInt(limit))
      throw invalid(`limit (${last.value}) in ${name} function can not be larger than the LIMIT (${limit}) in the select statement`); // prettier-ignore
    const [first] = args;
    if (first?.kind !== 'ref')
      throw invalid(`expected first argument to be a field in ${name}(), found ${printExpr(first as Expr)}`); // prettier-ignore
    for (const arg of args.slice(1, -1)) {
      if (arg.kind !== 'ref')
        throw invalid(`only fields or tags are allowed in ${name}(), found ${printExpr(arg)}`);
      if (!this.#place.hasTarget) this.#hasFields = true;
    }
    this.#topBottom = name;
  }
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
