import { rowsDifference, tiesDifference, type Row } from './compare-rows.ts';
import { valueDifference, type Tolerance } from './compare-values.ts';
import { canonicalText, Digits, isObject, parseDocuments, type Json } from './exact-json.ts';

export interface JsonRules extends Tolerance {
  readonly sort: boolean;
  readonly mask: readonly string[];
}

/** Rows of one series, gathered over the chunks that carry it. */
interface Run {
  readonly head: string;
  readonly columns: readonly string[];
  readonly rows: Row[];
}

/**
 * Two JSON answers: everything but rows is compared as data (how many rows each chunk has included), rows as
 * compare-rows.ts does.
 */
export function jsonDifference(ours: string, theirs: string, rules: JsonRules): string | undefined {
  const [ourParts, theirParts] = [takeApart(ours), takeApart(theirs)];
  const shape = valueDifference(ourParts.shape, theirParts.shape, rules);
  if (shape !== undefined) return shape;
  for (const [i, run] of ourParts.runs.entries()) {
    const difference = runDifference(run, theirParts.runs[i]!, rules);
    if (difference !== undefined) return `${run.head}${difference}`;
  }
  return undefined;
}

function runDifference(ours: Run, theirs: Run, rules: JsonRules): string | undefined {
  if (rules.sort) {
    const { columns } = ours;
    const [first, second] = [ours.rows, theirs.rows].map((rows) =>
      masked(sortedByOthers(rows, columns, rules.mask), columns, rules.mask),
    );
    return tiesDifference(first!, second!, rules);
  }
  const timeAt = ours.columns.indexOf('time');
  let count = 0;
  const keyOf = (row: Row): string =>
    timeAt < 0 ? String(count++) : canonicalText(row[timeAt] ?? null);
  return rowsDifference(
    masked(ours.rows, ours.columns, rules.mask),
    masked(theirs.rows, theirs.columns, rules.mask),
    { ...rules, keyOf },
  );
}

function takeApart(text: string): { shape: Json; runs: Run[] } {
  const runs: Run[] = [];
  const shapeOf = (value: Json, path: string): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map((one) => shapeOf(one, path));
    if (!isObject(value)) return value;
    const id = value['statement_id'];
    const inner = id instanceof Digits ? `${path}#${id.text} ` : path;
    const entries = Object.entries(value).map(([key, one]): [string, Json] => {
      if (key !== 'values' || !Array.isArray(one)) return [key, shapeOf(one, inner)];
      addRows(runs, { ...value, path: inner }, one as readonly Row[]);
      return [key, new Digits(String(one.length))];
    });
    return Object.fromEntries(entries);
  };
  const shape = parseDocuments(text).map((document) => shapeOf(document, '')) as Json;
  return { shape, runs };
}

function addRows(runs: Run[], series: Readonly<Record<string, Json>>, rows: readonly Row[]): void {
  const { path = null, name = null, tags = null, columns = null } = series;
  const head = canonicalText([path, name, tags, columns]);
  const last = runs[runs.length - 1];
  if (last?.head === head) last.rows.push(...rows);
  else runs.push({ head, columns: columns as readonly string[], rows: [...rows] });
}

/** Internal numbers become their place in the order of first appearance. */
function masked(
  rows: readonly Row[],
  columns: readonly string[],
  mask: readonly string[],
): readonly Row[] {
  if (mask.length === 0) return rows;
  const seen = new Map<string, Map<string, number>>(mask.map((name) => [name, new Map()]));
  return rows.map((row) =>
    row.map((cell, at) => {
      const places = seen.get(columns[at]!);
      if (places === undefined) return cell;
      const text = canonicalText(cell);
      if (!places.has(text)) places.set(text, places.size);
      return new Digits(String(places.get(text)));
    }),
  );
}

function sortedByOthers(
  rows: readonly Row[],
  columns: readonly string[],
  mask: readonly string[],
): readonly Row[] {
  if (mask.length === 0) return rows;
  const keyOf = (row: Row): string =>
    canonicalText(row.filter((_, at) => !mask.includes(columns[at]!)));
  const keyed = rows.map((row) => ({ key: keyOf(row), row }));
  keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
  return keyed.map(({ row }) => row);
}
