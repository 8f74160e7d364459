import { DbError } from '../base/errors.ts';
import type { Measurement, SelectStatement, Source } from './ast.ts';

/** Names the policy of a measurement: database '' means `database`, policy '' means that database's default. */
export interface QualifyOptions {
  readonly database: string;
  /** The default policy of a database, '' where it has none. Throws for a database that is not there. */
  readonly defaultPolicy: (database: string) => string;
}

/** The statement with each measurement's database and retention policy written out, as it runs and prints. */
export function qualifySelect(
  statement: SelectStatement,
  options: QualifyOptions,
): SelectStatement {
  // The reference looks at the target first, and says what is wrong there.
  const target = statement.target && qualifyMeasurement(statement.target, options);
  const sources = statement.sources.map((source): Source =>
    source.kind === 'subquery'
      ? { kind: 'subquery', statement: qualifySelect(source.statement, options) }
      : qualifyMeasurement(named(source), options),
  );
  return { ...statement, sources, target };
}

/** A target takes its name from the source where it has none; a source has one. */
function named(source: Measurement): Measurement {
  if (source.name === '' && source.regex === undefined)
    throw new DbError('invalid_argument', 'invalid measurement');
  return source;
}

function qualifyMeasurement(
  measurement: Measurement,
  { database, defaultPolicy }: QualifyOptions,
): Measurement {
  const own = measurement.database === '' ? database : measurement.database;
  const policy = measurement.retentionPolicy;
  // Asked also where it is not used: the database has to be there.
  const usual = defaultPolicy(own);
  if (policy === '' && usual === '')
    throw new DbError('invalid_argument', `default retention policy not set for: ${own}`);
  return { ...measurement, database: own, retentionPolicy: policy === '' ? usual : policy };
}
