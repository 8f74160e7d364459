/**
 * Answers to SHOW statements over the indexes of shards as bytes of JSON, which leave as they are made: lists come from workers as
 * pieces of memory (engine/lists/packed-list.ts) and go to the document without a text or a row of their own. One try: whatever
 * fails while nothing has left is asked the general way (show-schema.ts), which is its twin.
 */
import type { Statement } from '../../../influxql/ast.ts';
import type { QueryAccount } from '../../../query/run/query-account.ts';
import type { AnswerPart } from '../../engine/answers/answer-task.ts';
import type { Listing } from './known-lists.ts';
import { ListDocument } from './list-document.ts';
import {
  fieldKeyRows,
  seriesRows,
  tagKeyRows,
  tagValueRows,
  type RowsInto,
  type Steps,
} from './list-rows.ts';
import { openSchema, type SchemaPorts, type SchemaReader } from './schema-reader.ts';
import { databaseScope, databaseScopes, onePolicyScope, sourceScopes, type SchemaScope, type ScopePlace } from './schema-scope.ts'; // prettier-ignore
import { checkTagTerms, placedCondition, type ShowContext } from './show-schema.ts';
import { tagCondition } from './tag-condition.ts';

type Listed = Extract<
  Statement,
  { kind: 'show-series' | 'show-field-keys' | 'show-tag-keys' | 'show-tag-values' }
>;

interface ListContext extends ShowContext {
  readonly listing?: Listing | undefined;
}

interface ListPorts extends SchemaPorts {
  readonly accounts: { readonly open: () => QueryAccount };
}

/** Undefined for what is answered the general way. Throws what is wrong with a statement. */
export function listAnswer(
  statement: Statement,
  context: ListContext,
  ports: ListPorts,
): AsyncGenerator<AnswerPart> | undefined {
  if (!isListed(statement)) return undefined;
  const database = statement.database === '' ? context.database : statement.database;
  const { retentionPolicy, nowNs } = context;
  const around = { catalog: ports.meta.catalog, retentionPolicy, database };
  const { range, rest: condition } = placedCondition(statement, around, nowNs);
  const place = { ...around, range };
  // With bounds of time it lists in another order.
  const isTimed = range.minNs !== undefined || range.maxNs !== undefined;
  if (statement.kind === 'show-series' && isTimed) return undefined;
  const [scope, ...others] = scopesOf(statement, place);
  if (scope === undefined || others.length > 0) return undefined;
  const asked: Listed = { ...statement, condition };
  if (asked.kind === 'show-tag-keys' && asksForLists(asked)) return undefined;
  return partsOf(asked, scope, { context, ports });
}

/** Whether it may be answered so. */
export function isListed(statement: Statement): statement is Listed {
  switch (statement.kind) {
    case 'show-series':
    case 'show-field-keys':
    case 'show-tag-keys':
    case 'show-tag-values':
      return true;
    default:
      return false;
  }
}

/** As showSchema() has them. */
function scopesOf(statement: Listed, place: ScopePlace): readonly SchemaScope[] {
  const { sources } = statement;
  switch (statement.kind) {
    case 'show-series':
      // Those that the sources stand in have to be there.
      sourceScopes(place, sources);
      return databaseScopes(place, sources);
    case 'show-field-keys':
      return sourceScopes(place, sources);
    case 'show-tag-keys':
      return [databaseScope(place, sources)];
    case 'show-tag-values':
      return [onePolicyScope(place, sources)];
  }
}

/** Whether schemas alone do not tell which keys are shown. */
function asksForLists({ condition }: Listed): boolean {
  const { rest, isValue } = tagCondition(condition);
  return rest !== undefined || isValue !== undefined;
}

const columnsOf = {
  'show-series': ['key'],
  'show-field-keys': ['fieldKey', 'fieldType'],
  'show-tag-keys': ['tagKey'],
  'show-tag-values': ['key', 'value'],
} as const;

async function* partsOf(
  statement: Listed,
  scope: SchemaScope,
  { context, ports }: { readonly context: ListContext; readonly ports: ListPorts },
): AsyncGenerator<AnswerPart> {
  if (statement.kind === 'show-tag-keys' || statement.kind === 'show-tag-values') checkTagTerms(statement.condition); // prettier-ignore
  const { reader, confirm } = await openSchema(ports, [scope], context);
  const document = new ListDocument(columnsOf[statement.kind], statement);
  const account = ports.accounts.open();
  try {
    for await (const _ of rowsOf(statement, reader, { document, account })) {
      if (!document.isFull) continue;
      await confirm();
      yield document.take(false);
    }
    await confirm();
    document.end();
    context.listing?.answered();
    yield document.take(true);
  } finally {
    account.close();
  }
}

function rowsOf(statement: Listed, reader: SchemaReader, into: RowsInto): Steps {
  switch (statement.kind) {
    case 'show-series':
      return seriesRows(statement, reader, into);
    case 'show-field-keys':
      return fieldKeyRows(reader, into);
    case 'show-tag-keys':
      return tagKeyRows(statement, reader, into);
    case 'show-tag-values':
      return tagValueRows(statement, reader, into);
  }
}
