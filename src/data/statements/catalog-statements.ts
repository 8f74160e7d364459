import type { RetentionSpec, Statement } from '../../influxql/ast.ts';
import type { Command, PolicySpec } from '../../meta/model/command.ts';

/** The catalog's command for a statement that is one; undefined for any other. */
export function catalogCommand(statement: Statement): Command | undefined {
  switch (statement.kind) {
    case 'create-database': {
      const { name, policy } = statement;
      return { kind: statement.kind, name, policy: policy && policySpec(policy) };
    }
    case 'drop-database':
      return { kind: statement.kind, name: statement.name };
    case 'create-retention-policy': {
      const { database, name, isDefault } = statement;
      const policy = { ...policySpec(statement.policy), name };
      return { kind: statement.kind, database, policy, isDefault };
    }
    case 'alter-retention-policy': {
      const { database, name, isDefault } = statement;
      const policy = policySpec(statement.policy);
      return { kind: statement.kind, database, name, policy, isDefault };
    }
    case 'drop-retention-policy':
      return { kind: statement.kind, database: statement.database, name: statement.name };
    default:
      return undefined;
  }
}

function policySpec(spec: RetentionSpec): PolicySpec {
  const { name, durationNs, shardDurationNs, replication, pastLimitNs, futureLimitNs } = spec;
  return { name, durationNs, shardDurationNs, replication, pastLimitNs, futureLimitNs };
}
