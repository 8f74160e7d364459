import { Buffer } from 'node:buffer';
import { exactTextIn } from '../../../base/exact-text.ts';
import { compareUtf8 } from '../../../base/compare-utf8.ts';
import { DbError } from '../../../base/errors.ts';
import type { KeyCondition, SchemaQuery } from '../../../influxql/ast.ts';
import { areKeysAmbiguous } from '../../../models/compare-series-keys.ts';
import type { MeasurementSchema } from '../../../query/compile/schema.ts';
import { ByteWriter } from '../../../query/emit/byte-writer.ts';
import type { QueryAccount } from '../../../query/run/query-account.ts';
import type { PackedList } from '../../engine/lists/packed-list.ts';
import { runsOf, type TextRun } from '../../shards/merge-packed.ts';
import { HeldKeys } from './held-keys.ts';
import type { ListDocument } from './list-document.ts';
import { rowsOfPage } from './row-paging.ts';
import type { SchemaReader } from './schema-reader.ts';
import { checkIndexOperators, seriesPredicate } from './series-condition.ts';
import { keyMatcher } from './show-tags.ts';
import { tagCondition } from './tag-condition.ts';
import { asksForPoints, tagSeries } from './tag-series.ts';

/** What a document may be looked at after: each step has written some rows. */
export type Steps = AsyncGenerator<undefined, void>;

/** Where rows go, and who accounts for what has to be held of them. */
export interface RowsInto {
  readonly document: ListDocument;
  readonly account: QueryAccount;
}

/** Of schemas alone. */
export async function* tagKeyRows(
  { condition, keys }: SchemaQuery & { readonly keys?: KeyCondition | undefined },
  reader: SchemaReader,
  { document }: RowsInto,
): Steps {
  const { isNamed, isKey } = tagCondition(condition);
  const matches = keyMatcher(keys);
  for (const { name, tagKeys } of reader.schemas) {
    const rest = reader.rest();
    if (rest !== undefined) await rest;
    if (!isNamed(name)) continue;
    document.begin(name);
    for (const key of [...tagKeys].filter((one) => matches(one) && isKey(one)).sort(compareUtf8)) {
      const writer = document.row();
      if (writer === undefined) continue;
      writer.jsonString(key);
      document.endRow();
    }
    if (document.isFull) yield;
  }
}

/** Rows in order of key and value, which is how the lists come. */
export async function* tagValueRows(
  statement: SchemaQuery & { readonly keys: KeyCondition },
  reader: SchemaReader,
  { document }: RowsInto,
): Steps {
  const { limit, offset } = statement;
  const { isNamed, isKey, isValue, rest } = tagCondition(statement.condition);
  const matches = keyMatcher(statement.keys);
  const isShown = (key: string): boolean => matches(key) && isKey(key);
  // Of each key no more values can be in the page of a measurement.
  const page =
    limit > 0 && isValue === undefined ? { textsMax: rowsOfPage({ limit, offset }) } : {};
  const { names, parts } = await reader.packed('tag-values', (schema) => {
    const tagKeys = shownKeys(schema, isShown);
    if (tagKeys.length === 0 || !isNamed(schema.name)) return undefined;
    if (rest !== undefined && asksForPoints(rest, schema)) throw declined();
    return { tagKeys, predicate: tagSeries(rest, schema), ...page };
  });
  const cells = new KeyCells();
  let at = -1;
  for await (const part of parts) {
    for (const run of runsOf(part)) {
      if (run.at !== at) document.begin(names[run.at] ?? '');
      at = run.at;
      const cell = cells.of(run.key);
      for (let i = run.first; i < run.end && !document.isPageDone; i++) {
        if (isValue !== undefined && !isValue(textOf(part, i))) continue;
        const writer = document.row();
        if (writer === undefined) continue;
        writer.raw(cell, 0, cell.length);
        writer.jsonBytes(part.bytes, startOf(part, i), part.ends[i] ?? 0);
        document.endRow();
      }
      const turn = reader.rest();
      if (turn !== undefined) await turn;
    }
    yield;
  }
}

function shownKeys(
  { tagKeys }: MeasurementSchema,
  isShown: (key: string) => boolean,
): readonly string[] {
  // prettier-ignore
  const shown: string[] = [];
  for (const key of tagKeys) if (isShown(key)) shown.push(key);
  return shown.length < 2 ? shown : shown.sort(compareUtf8);
}

/** A row for each type that a field has in any shard: lists come type by type, rows stand field by field. */
export async function* fieldKeyRows(reader: SchemaReader, { document }: RowsInto): Steps {
  const { names, parts } = await reader.packed('field-types', () => ({}));
  const cells = new KeyCells(',', '');
  let held: { readonly at: number; readonly runs: HeldRun[] } = { at: -1, runs: [] };
  for await (const part of parts) {
    for (const run of runsOf(part)) {
      if (run.at !== held.at) {
        writeFields(names[held.at] ?? '', held.runs, { document, cells });
        held = { at: run.at, runs: [] };
        const turn = reader.rest();
        if (turn !== undefined) await turn;
      }
      held.runs.push({ part, run });
    }
    yield;
  }
  writeFields(names[held.at] ?? '', held.runs, { document, cells });
}

interface HeldRun {
  readonly part: PackedList;
  readonly run: TextRun;
}

/** Of a measurement. */
function writeFields(
  name: string,
  runs: readonly HeldRun[],
  { document, cells }: { readonly document: ListDocument; readonly cells: KeyCells },
): void {
  const [only] = runs;
  if (only === undefined) return;
  document.begin(name);
  const rows: { readonly field: string; readonly type: string }[] = [];
  for (const { part, run } of runs)
    for (let i = run.first; i < run.end; i++) {
      if (runs.length > 1) {
        rows.push({ field: textOf(part, i), type: run.key });
        continue;
      }
      const writer = document.row();
      if (writer === undefined) continue;
      writer.jsonBytes(part.bytes, startOf(part, i), part.ends[i] ?? 0);
      const cell = cells.of(run.key);
      writer.raw(cell, 0, cell.length);
      document.endRow();
    }
  rows.sort((a, b) => compareUtf8(a.field, b.field) || compareUtf8(a.type, b.type));
  for (const { field, type } of rows) {
    const writer = document.row();
    if (writer === undefined) continue;
    writer.jsonString(field);
    const cell = cells.of(type);
    writer.raw(cell, 0, cell.length);
    document.endRow();
  }
}

/** The order of measurements, then tag by tag: keys of one are held until it is known whether they stand in it. */
export async function* seriesRows(
  { condition, limit, offset }: SchemaQuery,
  reader: SchemaReader,
  { document, account }: RowsInto,
): Steps {
  if (condition !== undefined && reader.hasShards) checkIndexOperators(condition);
  const { parts } = await reader.packed('series', (schema) => ({
    predicate: seriesPredicate(condition, schema),
    ...(limit > 0 &&
      !areKeysAmbiguous(schema.tagKeys) && { textsMax: rowsOfPage({ limit, offset }) }),
  }));
  const keys = new HeldKeys(account);
  document.begin('');
  let at = -1;
  try {
    for await (const part of parts) {
      for (const run of runsOf(part)) {
        if (run.at !== at) yield* keys.write(reader, document);
        if (document.isPageDone) return;
        at = run.at;
        keys.add(part, run);
        const turn = reader.rest();
        if (turn !== undefined) await turn;
      }
      yield;
    }
    yield* keys.write(reader, document);
  } finally {
    keys.clear();
  }
}

/** What is written for a key of each row, with what parts it from the cell beside it. */
class KeyCells {
  readonly #known = new Map<string, Uint8Array>();
  readonly #before: string;
  readonly #behind: string;

  constructor(before = '', behind = ',') {
    this.#before = before;
    this.#behind = behind;
  }

  of(key: string): Uint8Array {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const writer = new ByteWriter();
    writer.ascii(this.#before);
    writer.jsonString(key);
    writer.ascii(this.#behind);
    const cell = writer.take();
    this.#known.set(key, cell);
    return cell;
  }
}

function startOf({ ends }: PackedList, i: number): number {
  return i === 0 ? 0 : (ends[i - 1] ?? 0);
}

function textOf({ bytes, ends }: PackedList, i: number): string {
  const start = i === 0 ? 0 : (ends[i - 1] ?? 0);
  return exactTextIn(Buffer.from(bytes.buffer, bytes.byteOffset + start, (ends[i] ?? 0) - start));
}

/** The general way has what is to be said. */
function declined(): DbError {
  return new DbError('unavailable', 'a condition asks for points');
}
