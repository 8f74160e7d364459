import { DbError } from '../base/errors.ts';
import { everyone } from '../data/statements/principal.ts';
import type { QueryRequest, StatementExecutor } from '../data/statements/statement-executor.ts';
import type { Statement } from '../influxql/ast.ts';

/** Runs a statement that a route stands for, and answers no rows. Throws `invalid_argument` with what it says of a failure, `said` before it. */
export async function runStatement(
  executor: Pick<StatementExecutor, 'execute'>,
  statement: Statement,
  database: string,
  said: string,
): Promise<void> {
  const request: QueryRequest = {
    statements: [statement],
    database,
    retentionPolicy: '',
    principal: everyone,
    isReadOnly: false,
    bucketsMax: 0,
    timeoutMs: 0,
    // What changes something goes on when its client is gone, as in the reference.
    signal: new AbortController().signal,
  };
  for await (const { error } of executor.execute(request))
    if (error !== undefined) throw new DbError('invalid_argument', `${said}${error}`);
}
