import type { Field } from '../../influxql/ast.ts';
import { visitExpr } from './walk-expr.ts';

/** What a field of the list is called where its alias says nothing: the names that it reads, joined by `_`. */
export function fieldName({ expr, alias }: Field): string {
  if (alias !== '') return alias;
  if (expr.kind === 'paren') return fieldName({ expr: expr.expr, alias: '' });
  if (expr.kind === 'call' || expr.kind === 'ref') return expr.name;
  if (expr.kind !== 'binary') return '';
  const names: string[] = [];
  visitExpr(
    expr,
    (part) => {
      if (part.kind === 'ref' || part.kind === 'call') names.push(part.name);
    },
    () => false,
  );
  return names.join('_');
}

/** Aliases stay as they are, even twice; a name of our own that is taken gets `_1`, `_2`, ... */
export function columnNames(fields: readonly Field[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { alias } of fields) if (alias !== '') counts.set(alias, 1);
  return fields.map((field) => {
    if (field.alias !== '') return field.alias;
    const base = fieldName(field);
    let name = base;
    let count = counts.get(base);
    if (count !== undefined) {
      while (counts.has(`${base}_${count}`)) count++;
      counts.set(base, count + 1);
      name = `${base}_${count}`;
    }
    counts.set(name, (counts.get(name) ?? 0) + 1);
    return name;
  });
}
