import { DbError } from '../../../base/errors.ts';
import type { Expr, Statement } from '../../../influxql/ast.ts';
import { printExpr } from '../../../influxql/printer.ts';
import { namesTime, splitIndexCondition } from '../../../query/compile/split-condition.ts';
import type { RowSeries } from '../../../query/emit/result.ts';
import { answered } from './answered.ts';
import {
  readSchema,
  type SchemaAsking,
  type SchemaPorts,
  type SchemaReader,
} from './schema-reader.ts';
import {
  databaseScope,
  databaseScopes,
  onePolicyScope,
  sourceScopes,
  type ScopePlace,
} from './schema-scope.ts';
import { checkTimeless, showCardinality } from '../cardinality/show-cardinality.ts';
import { showFieldKeys } from './show-field-keys.ts';
import { showMeasurements } from './show-measurements.ts';
import { showSeries } from './show-series.ts';
import { showTagKeys, showTagValues } from './show-tags.ts';

export type ShowSchema = Extract<
  Statement,
  {
    kind:
      | 'show-measurements'
      | 'show-series'
      | 'show-field-keys'
      | 'show-tag-keys'
      | 'show-tag-values'
      | 'show-cardinality';
  }
>;

/** What the request says besides the statement. */
export interface ShowContext extends SchemaAsking {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly nowNs: bigint;
}

/**
 * A statement that asks the indexes of shards: which ones, and who answers it (spec 6.2). What reads as a SELECT does
 * (FIELD KEYS, CARDINALITY, SERIES with bounds of time) reads the policy of each source; the others read all policies. An error
 * that is given back is an answer: the statements behind it run.
 */
export async function showSchema(
  statement: ShowSchema,
  context: ShowContext,
  ports: SchemaPorts,
): Promise<readonly RowSeries[] | DbError> {
  const around = { catalog: ports.meta.catalog, retentionPolicy: context.retentionPolicy };
  const database = statement.database === '' ? context.database : statement.database;
  const read = <T>(
    scopes: Parameters<typeof readSchema>[1],
    run: (reader: SchemaReader) => Promise<T>,
  ): Promise<T> => readSchema(ports, scopes, context, run);
  if (statement.kind === 'show-measurements') {
    const unbounded = { minNs: undefined, maxNs: undefined };
    return showMeasurements(statement, { ...around, database, range: unbounded }, read);
  }
  const hasTime = namesTime(statement.condition);
  if (statement.kind === 'show-cardinality' && hasTime) checkTimeless(statement);
  const { range, rest: condition } = placedCondition(statement, { ...around, database }, context.nowNs); // prettier-ignore
  const place: ScopePlace = { ...around, database, range };
  const question = { ...statement, condition };
  const isTimed = range.minNs !== undefined || range.maxNs !== undefined;
  switch (question.kind) {
    case 'show-series': {
      // All policies are read, but those that the sources stand in have to be there.
      const named = sourceScopes(place, question.sources);
      const scopes = isTimed ? named : databaseScopes(place, question.sources);
      return read(scopes, (reader) => showSeries(question, reader, { isTimed }));
    }
    case 'show-field-keys':
      return read(sourceScopes(place, question.sources), (reader) =>
        showFieldKeys(question, reader),
      );
    case 'show-tag-keys': {
      const scope = databaseScope(place, question.sources);
      return answered(async () => {
        checkTagTerms(condition);
        return await read([scope], (reader) => showTagKeys(question, reader));
      });
    }
    case 'show-tag-values': {
      const scope = onePolicyScope(place, question.sources);
      return answered(async () => {
        checkTagTerms(condition);
        return await read([scope], (reader) => showTagValues(question, reader));
      });
    }
    case 'show-cardinality':
      return showCardinality({ ...question, hasTime }, place, read);
  }
}

/** The parts of a condition, of which what is wrong is told once the databases that the statement names are there. */
export function placedCondition(
  statement: Exclude<ShowSchema, { kind: 'show-measurements' }>,
  place: Omit<ScopePlace, 'range'>,
  nowNs: bigint,
): ReturnType<typeof splitIndexCondition> {
  try {
    const foldsCalls = statement.kind === 'show-cardinality';
    return splitIndexCondition(statement.condition, nowNs, { foldsCalls });
  } catch (error) {
    checkDatabases(statement, { ...place, range: { minNs: undefined, maxNs: undefined } });
    throw error;
  }
}

function checkDatabases(
  { kind, sources }: Parameters<typeof placedCondition>[0],
  place: ScopePlace,
): void {
  // Whether its policies are there is looked at behind the condition.
  if (kind === 'show-tag-keys' || kind === 'show-tag-values') databaseScope(place, []);
  else databaseScopes(place, sources);
}

/** Throws for two names compared: most often a value in the wrong quotes. */
export function checkTagTerms(expr: Expr | undefined): void {
  if (expr?.kind === 'paren') checkTagTerms(expr.expr);
  if (expr?.kind !== 'binary') return;
  const { operator, left, right } = expr;
  if (operator === 'AND' || operator === 'OR') {
    checkTagTerms(left);
    checkTagTerms(right);
  } else if (
    (operator === '=' || operator === '!=') &&
    left.kind === 'ref' &&
    right.kind === 'ref'
  ) {
    const text = 'bad WHERE clause for metaquery; one term must be a string literal tag value within single quotes'; // prettier-ignore
    throw new DbError('invalid_argument', `${text}: ${printExpr(expr)}`);
  }
}
