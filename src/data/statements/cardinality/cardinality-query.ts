import type { Statement } from '../../../influxql/ast.ts';

export type CardinalityQuery = Extract<Statement, { kind: 'show-cardinality' }> & {
  /** Whether the condition named the time, which has been taken out of it. */
  readonly hasTime: boolean;
};
