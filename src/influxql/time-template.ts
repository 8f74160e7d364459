/**
 * Texts that differ in their bounds of time alone, as dashboards ask them: one is parsed, and what it was parsed to is the next
 * one with other bounds (decision 68).
 *
 * - Two texts with the same key have the same tokens but for the literals that were cut out, each of which is one token of the same
 *   kind in both: what a parser makes of the one is what it makes of the other, but for these values.
 * - Cut are literals behind `time` and a comparison, outside of quotes and patterns. A text with comments or a division has no key,
 *   nor has one with a NUL, which stands for a cut in keys and which the parser passes over.
 * - Whether walking a condition finds just these literals, in the order of the text, is tried with literals that stand nowhere else
 *   in the text before a template is made of it.
 */
import { isDbError } from '../base/errors.ts';
import type { Expr, SelectStatement, Statement } from './ast.ts';
import { parseDurationNs } from './duration.ts';
import { parseQuery } from './parser.ts';

/** A text less its times. */
export interface CutText {
  readonly key: string;
  readonly literals: readonly TimeLiteral[];
  /** What stands before, between and behind them. */
  readonly rests: readonly string[];
}

type TimeLiteral = Extract<Expr, { kind: 'integer' | 'duration' | 'string' }>;

const pieces =
  /'(?:[^'\\\n]|\\[^\n])*'|"(?:[^"\\\n]|\\[^\n])*"|[=!]~\s*\/(?:[^/\\\n]|\\[^\n])*\/|(--|\/)|((?<![\w.])time\s*(?:>=|<=|>|<|=)\s*)(?:(\d{1,18})(ns|u|µ|ms|s|m|h|d|w)?(?![\w.µ])|'([^'\\\n]*)')/gi;

/** Undefined for a text that has none, or one that cannot be cut. */
export function cutTimes(text: string): CutText | undefined {
  if (text.includes('\0')) return undefined;
  const literals: TimeLiteral[] = [];
  const rests: string[] = [];
  let from = 0;
  pieces.lastIndex = 0;
  for (let found = pieces.exec(text); found !== null; found = pieces.exec(text)) {
    const [piece, odd, before, digits, unit = '', quoted] = found;
    if (odd !== undefined) return undefined;
    if (before === undefined) continue;
    const literal = literalOf(digits, unit, quoted);
    if (literal === undefined) return undefined;
    rests.push(text.slice(from, found.index) + before);
    from = found.index + piece.length;
    literals.push(literal);
  }
  if (literals.length === 0) return undefined;
  rests.push(text.slice(from));
  const key = rests.map((rest, i) => `${rest}\0${literals[i]?.kind ?? ''}`).join('');
  return { key, literals, rests };
}

function literalOf(
  digits: string | undefined,
  unit: string,
  quoted: string | undefined,
): TimeLiteral | undefined {
  // prettier-ignore
  if (digits === undefined) return { kind: 'string', value: quoted ?? '' };
  if (unit === '') return { kind: 'integer', value: BigInt(digits) };
  try {
    return { kind: 'duration', valueNs: parseDurationNs(digits + unit) };
  } catch (error) {
    if (isDbError(error)) return undefined;
    throw error;
  }
}

/** Which template a statement was made of. */
const templates = new WeakMap<SelectStatement, SelectStatement>();

/** The statement that this one is but for its bounds of time; the same object for all texts of one key. */
export function templateOf(statement: SelectStatement): SelectStatement | undefined {
  return templates.get(statement);
}

export class TimeTemplate {
  readonly #base: SelectStatement;

  private constructor(base: SelectStatement) {
    this.#base = base;
  }

  /** Of what a text was parsed to that was cut so; undefined where it is no template. */
  static of(statements: readonly Statement[], cut: CutText): TimeTemplate | undefined {
    const [base, ...others] = statements;
    if (base?.kind !== 'select' || others.length > 0 || base.target !== undefined) return undefined;
    if (!base.sources.every(({ kind }) => kind === 'measurement')) return undefined;
    return areFound(cut) ? new TimeTemplate(base) : undefined;
  }

  with({ literals }: CutText): readonly Statement[] {
    let next = 0;
    const { condition } = this.#base;
    const timed = condition && withTimes(condition, (old) => literals[next++] ?? old);
    const statement = { ...this.#base, condition: timed };
    templates.set(statement, this.#base);
    return [statement];
  }
}

const odd = 700_000_000_000_000_000n;

/** Whether literals that stand nowhere else are what a walk finds in their places. */
function areFound({ literals, rests }: CutText): boolean {
  const all = rests.join(' ');
  const planted: bigint[] = [];
  for (let value = odd; planted.length < literals.length; value++)
    if (!all.includes(`${value}`)) planted.push(value);
  const texts = literals.map(({ kind }, i) => textOf(kind, planted[i] ?? odd));
  const [statement] = parseQuery(rests.map((rest, i) => rest + (texts[i] ?? '')).join(''));
  if (statement?.kind !== 'select' || statement.condition === undefined) return false;
  const found: string[] = [];
  withTimes(statement.condition, (literal) => {
    const value = literal.kind === 'duration' ? literal.valueNs : literal.value;
    found.push(textOf(literal.kind, value));
    return literal;
  });
  return found.join() === texts.join();
}

function textOf(kind: TimeLiteral['kind'], value: bigint | string): string {
  if (kind === 'string') return `'${value}'`;
  return kind === 'duration' ? `${value}ns` : `${value}`;
}

/** A condition with other literals behind `time`, in the order of the text. */
function withTimes(expr: Expr, replace: (literal: TimeLiteral) => TimeLiteral): Expr {
  if (expr.kind === 'paren') {
    const inner = withTimes(expr.expr, replace);
    return inner === expr.expr ? expr : { ...expr, expr: inner };
  }
  if (expr.kind !== 'binary') return expr;
  const { left, right } = expr;
  if (left.kind === 'ref' && left.name.toLowerCase() === 'time' && isLiteral(right))
    return comparisons.has(expr.operator) ? { ...expr, right: replace(right) } : expr;
  const [one, other] = [withTimes(left, replace), withTimes(right, replace)];
  return one === left && other === right ? expr : { ...expr, left: one, right: other };
}

const comparisons: ReadonlySet<string> = new Set(['=', '>', '>=', '<', '<=']);

function isLiteral(expr: Expr): expr is TimeLiteral {
  return expr.kind === 'integer' || expr.kind === 'duration' || expr.kind === 'string';
}
