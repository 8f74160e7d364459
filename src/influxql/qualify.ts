import type { Measurement, SelectStatement, Source } from './ast.ts';

/** Names the policy of a measurement: database '' means `database`, policy '' means that database's default. */
export interface QualifyOptions {
  readonly database: string;
  /** The default policy of a database. Throws what its absence means. */
  readonly defaultPolicy: (database: string) => string;
}

/** The statement with each measurement's database and retention policy written out, as it runs and prints. */
export function qualifySelect(
  statement: SelectStatement,
  options: QualifyOptions,
): SelectStatement {
  const sources = statement.sources.map((source): Source =>
    source.kind === 'subquery'
      ? { kind: 'subquery', statement: qualifySelect(source.statement, options) }
      : qualifyMeasurement(source, options),
  );
  const { target } = statement;
  if (target === undefined) return { ...statement, sources };
  return { ...statement, sources, target: qualifyMeasurement(target, options) };
}

export function qualifyMeasurement(
  measurement: Measurement,
  { database, defaultPolicy }: QualifyOptions,
): Measurement {
  const own = measurement.database === '' ? database : measurement.database;
  const policy = measurement.retentionPolicy;
  return {
    ...measurement,
    database: own,
    retentionPolicy: policy === '' ? defaultPolicy(own) : policy,
  };
}
