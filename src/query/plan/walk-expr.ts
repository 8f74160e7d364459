import type { Expr } from '../../influxql/ast.ts';

/**
 * Walks of expressions without the call stack: chains of thousands of terms lean to one side and would be as deep as
 * they are long.
 */

/** Each node, parents first, from left to right; the arguments of calls that `into` refuses are passed over. */
export function visitExpr(
  root: Expr,
  visit: (expr: Expr) => void,
  into: (call: Extract<Expr, { kind: 'call' }>) => boolean = () => true,
): void {
  const pending: Expr[] = [root];
  for (let expr = pending.pop(); expr !== undefined; expr = pending.pop()) {
    visit(expr);
    if (expr.kind === 'paren') pending.push(expr.expr);
    else if (expr.kind === 'binary') pending.push(expr.right, expr.left);
    else if (expr.kind === 'call' && into(expr))
      for (let i = expr.args.length - 1; i >= 0; i--) pending.push(expr.args[i] as Expr);
  }
}

interface Frame {
  readonly expr: Expr;
  readonly parts: readonly Expr[];
  readonly results: Expr[];
}

/**
 * The tree with `change` applied to each node, children first. `into` decides whether a call's arguments are changed
 * too; a node whose children stay the same stays the same object.
 */
export function rewriteExpr(
  root: Expr,
  change: (expr: Expr) => Expr,
  into: (call: Extract<Expr, { kind: 'call' }>) => boolean = () => true,
): Expr {
  const frames: Frame[] = [{ expr: root, parts: partsOf(root, into), results: [] }];
  for (;;) {
    const frame = frames[frames.length - 1] as Frame;
    const next = frame.parts[frame.results.length];
    if (next !== undefined) {
      frames.push({ expr: next, parts: partsOf(next, into), results: [] });
      continue;
    }
    frames.pop();
    const done = change(assembled(frame));
    const parent = frames[frames.length - 1];
    if (parent === undefined) return done;
    parent.results.push(done);
  }
}

function partsOf(
  expr: Expr,
  into: (call: Extract<Expr, { kind: 'call' }>) => boolean,
): readonly Expr[] {
  if (expr.kind === 'paren') return [expr.expr];
  if (expr.kind === 'binary') return [expr.left, expr.right];
  return expr.kind === 'call' && into(expr) ? expr.args : [];
}

function assembled({ expr, parts, results }: Frame): Expr {
  if (parts.every((part, i) => part === results[i])) return expr;
  if (expr.kind === 'paren') return { ...expr, expr: results[0] as Expr };
  if (expr.kind === 'binary')
    return { ...expr, left: results[0] as Expr, right: results[1] as Expr };
  return expr.kind === 'call' ? { ...expr, args: results } : expr;
}
