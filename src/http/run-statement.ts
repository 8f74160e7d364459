import { DbError } from '../base/errors.ts';
import { everyone } from '../data/statements/principal.ts';
import type { QueryRequest, StatementExecutor } from '../data/statements/statement-executor.ts';
import type { Statement } from '../influxql/ast.ts';
import type { OutputSeries } from '../query/emit/result.ts';

/** Runs a statement that a route stands for, and answers no rows. Throws `invalid_argument` with what it says of a failure, `said` before it. */
export async function runStatement(
  executor: Pick<StatementExecutor, 'execute'>,
  statement: Statement,
  place: Pick<QueryRequest, 'database' | 'principal'>,
  said: string,
): Promise<void> {
  for await (const { error } of executor.execute({ ...own, ...place, statements: [statement] }))
    if (error !== undefined) throw new DbError('invalid_argument', `${said}${error}`);
}

/** What is asked of the whole cluster, once it is known that it may be. */
export const asNode = { database: '', principal: everyone } as const;

/** The rows of a SHOW statement about the node itself. Throws `internal` with what it says of a failure. */
export async function readStatement(
  executor: Pick<StatementExecutor, 'execute'>,
  statement: Statement,
): Promise<readonly OutputSeries[]> {
  const all: OutputSeries[] = [];
  for await (const { error, series } of executor.execute({ ...own, statements: [statement] })) {
    if (error !== undefined) throw new DbError('internal', error);
    all.push(...series);
  }
  return all;
}

/** What a request of the node's own has: what changes something goes on when its client is gone, as in the reference. */
const own: Omit<QueryRequest, 'statements'> = {
  database: '',
  retentionPolicy: '',
  principal: everyone,
  isReadOnly: false,
  bucketsMax: 0,
  timeoutMs: 0,
  signal: new AbortController().signal,
};
