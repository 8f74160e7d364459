import { unreachable } from '../base/assert.ts';
import type {
  Expr,
  Fill,
  KeyCondition,
  Measurement,
  Paging,
  RetentionSpec,
  SchemaQuery,
  SelectStatement,
  ShowMeasurements,
  SortField,
  Source,
  Statement,
} from './ast.ts';
import { formatRfc3339 } from '../base/rfc3339.ts';
import { formatDuration, formatGoDuration } from './duration.ts';
import { fixedText } from './fixed-text.ts';
import { keywords } from './token.ts';

/**
 * Statements as the reference prints them: in SHOW QUERIES, in messages, and as the text of a continuous query. Passwords
 * print as [REDACTED].
 */
export function printStatement(statement: Statement): string {
  switch (statement.kind) {
    case 'select':
      return printSelect(statement);
    case 'explain': {
      const analyze = statement.analyze ? 'ANALYZE ' : '';
      const verbose = statement.verbose ? 'VERBOSE ' : '';
      return `EXPLAIN ${analyze}${verbose}${printSelect(statement.statement)}`;
    }
    case 'delete':
    case 'drop-series': {
      const verb = statement.kind === 'delete' ? 'DELETE' : 'DROP SERIES';
      return verb + from(statement.sources) + where(statement.condition);
    }
    case 'drop-measurement':
      return `DROP MEASUREMENT ${quoteIdent(statement.name)}`;
    case 'create-database':
      return printCreateDatabase(statement.name, statement.policy);
    case 'drop-database':
      return `DROP DATABASE ${quoteIdent(statement.name)}`;
    case 'create-retention-policy':
    case 'alter-retention-policy':
      return printRetentionPolicy(statement);
    case 'drop-retention-policy':
      return `DROP RETENTION POLICY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}`;
    case 'create-continuous-query':
      return printContinuousQuery(statement);
    case 'drop-continuous-query':
      return `DROP CONTINUOUS QUERY ${quoteIdent(statement.name)} ON ${quoteIdent(statement.database)}`;
    case 'execute-continuous-query':
      return printExecute(statement);
    case 'create-subscription': {
      const { name, database, retentionPolicy, mode, destinations } = statement;
      const place = `${quoteIdent(database)}.${quoteIdent(retentionPolicy)}`;
      return `CREATE SUBSCRIPTION ${quoteIdent(name)} ON ${place} DESTINATIONS ${mode} ${destinations.map(quoteString).join(', ')}`;
    }
    case 'drop-subscription': {
      const { name, database, retentionPolicy } = statement;
      return `DROP SUBSCRIPTION ${quoteIdent(name)} ON ${quoteIdent(database)}.${quoteIdent(retentionPolicy)}`;
    }
    case 'create-user':
      return `CREATE USER ${quoteIdent(statement.name)} WITH PASSWORD [REDACTED]${statement.isAdmin ? ' WITH ALL PRIVILEGES' : ''}`;
    case 'drop-user':
      return `DROP USER ${quoteIdent(statement.name)}`;
    case 'set-password':
      return `SET PASSWORD FOR ${quoteIdent(statement.name)} = [REDACTED]`;
    case 'grant':
    case 'revoke': {
      const preposition = statement.kind === 'grant' ? 'TO' : 'FROM';
      const what = `${statement.kind.toUpperCase()} ${statement.privilege}`;
      return `${what} ON ${quoteIdent(statement.database)} ${preposition} ${quoteIdent(statement.user)}`;
    }
    case 'grant-admin':
      return `GRANT ALL PRIVILEGES TO ${quoteIdent(statement.user)}`;
    case 'revoke-admin':
      return `REVOKE ALL PRIVILEGES FROM ${quoteIdent(statement.user)}`;
    case 'drop-shard':
      return `DROP SHARD ${statement.shardId}`;
    case 'kill-query':
      return `KILL QUERY ${statement.queryId}${statement.host === '' ? '' : ` ON ${quoteIdent(statement.host)}`}`;
    default:
      return printShow(statement);
  }
}

function printShow(statement: Extract<Statement, { kind: `show-${string}` }>): string {
  switch (statement.kind) {
    case 'show-databases':
    case 'show-continuous-queries':
    case 'show-subscriptions':
    case 'show-users':
    case 'show-shards':
    case 'show-shard-groups':
    case 'show-queries':
      return statement.kind.replaceAll('-', ' ').toUpperCase();
    case 'show-retention-policies':
      return `SHOW RETENTION POLICIES${on(statement.database)}`;
    case 'show-grants':
      return `SHOW GRANTS FOR ${quoteIdent(statement.user)}`;
    case 'show-stats':
    case 'show-diagnostics': {
      const head = statement.kind.replaceAll('-', ' ').toUpperCase();
      return statement.module === '' ? head : `${head} FOR ${quoteString(statement.module)}`;
    }
    case 'show-measurements': {
      const source = statement.with;
      const operator = source?.regex === undefined ? '=' : '=~';
      const keys =
        source === undefined ? '' : ` WITH MEASUREMENT ${operator} ${printSource(source)}`;
      return `SHOW MEASUREMENTS${onPlace(statement)}${keys}${tail(statement)}`;
    }
    case 'show-series':
    case 'show-field-keys':
    case 'show-tag-keys':
    case 'show-tag-values': {
      const head = statement.kind.replaceAll('-', ' ').toUpperCase();
      const keys = 'keys' in statement ? withKey(statement.keys) : '';
      return `${head}${on(statement.database)}${from(statement.sources)}${keys}${tail(statement)}`;
    }
    case 'show-cardinality': {
      const exact = statement.exact ? ' EXACT' : '';
      const head = `SHOW ${statement.of}${exact} CARDINALITY${on(statement.database)}`;
      const body = `${from(statement.sources)}${withKey(statement.keys)}${where(statement.condition)}`;
      return `${head}${body}${groupBy(statement.dimensions)}${paging(statement)}`;
    }
    default:
      return unreachable(statement);
  }
}

export function printSelect(statement: SelectStatement): string {
  const fields = statement.fields.map(({ expr, alias }) =>
    alias === '' ? printExpr(expr) : `${printExpr(expr)} AS ${quoteIdent(alias)}`,
  );
  const into = statement.target === undefined ? '' : ` INTO ${printTarget(statement.target)}`;
  return (
    `SELECT ${fields.join(', ')}${into}${from(statement.sources)}${where(statement.condition)}` +
    groupBy(statement.dimensions) +
    printFill(statement.fill) +
    orderBy(statement.sortFields) +
    paging(statement) +
    (statement.timeZone === undefined ? '' : ` TZ('${statement.timeZone}')`)
  );
}

export function printExpr(expr: Expr): string {
  switch (expr.kind) {
    case 'ref': {
      const name = quoteIdent(expr.name);
      return expr.type === undefined ? name : `${name}::${expr.type}`;
    }
    case 'call':
      return `${expr.name}(${expr.args.map(printExpr).join(', ')})`;
    case 'binary':
      return `${printExpr(expr.left)} ${expr.operator} ${printExpr(expr.right)}`;
    case 'paren':
      return `(${printExpr(expr.expr)})`;
    case 'number':
      return printNumber(expr.value);
    case 'integer':
    case 'unsigned':
      return String(expr.value);
    case 'string':
      return quoteString(expr.value);
    case 'boolean':
      return String(expr.value);
    case 'duration':
      return formatDuration(expr.valueNs);
    case 'regex':
      return `/${expr.source.replaceAll('/', '\\/')}/`;
    case 'wildcard':
      return expr.of === undefined ? '*' : `*::${expr.of}`;
    case 'distinct':
      return `DISTINCT ${expr.name}`;
    case 'list':
      return `(${expr.names.map(quoteIdent).join(', ')})`;
  }
}

/** Identifiers print bare when the grammar would take them so, quoted otherwise. */
export function quoteIdent(name: string): string {
  const isBare = /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) && !keywords.has(name.toUpperCase());
  return isBare ? name : `"${escape(name, '"')}"`;
}

function quoteString(text: string): string {
  return `'${escape(text, "'")}'`;
}

function escape(text: string, quote: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll(quote, `\\${quote}`).replaceAll('\n', '\\n');
}

/** Always with a point: an integer is another literal. */
function printNumber(value: number): string {
  const text = fixedText(value);
  return text.includes('.') || !Number.isFinite(value) ? text : `${text}.0`;
}

function printSource(source: Source): string {
  if (source.kind === 'subquery') return `(${printSelect(source.statement)})`;
  const name =
    source.regex === undefined
      ? quoteIdent(source.name)
      : `/${source.regex.replaceAll('/', '\\/')}/`;
  return printPlace(source) + name;
}

function printTarget(target: Measurement): string {
  if (target.name === '') return `${printPlace(target).slice(0, -1)}.:MEASUREMENT`;
  return printPlace(target) + quoteIdent(target.name);
}

function printPlace({ database, retentionPolicy }: Measurement): string {
  const db = database === '' ? '' : `${quoteIdent(database)}.`;
  const rp = retentionPolicy === '' ? '' : quoteIdent(retentionPolicy);
  return db === '' && rp === '' ? '' : `${db}${rp}.`;
}

function from(sources: readonly Source[]): string {
  return sources.length === 0 ? '' : ` FROM ${sources.map(printSource).join(', ')}`;
}

function where(condition: Expr | undefined): string {
  return condition === undefined ? '' : ` WHERE ${printExpr(condition)}`;
}

function groupBy(dimensions: readonly Expr[]): string {
  return dimensions.length === 0 ? '' : ` GROUP BY ${dimensions.map(printExpr).join(', ')}`;
}

function orderBy(fields: readonly SortField[]): string {
  if (fields.length === 0) return '';
  const printed = fields.map(({ name, ascending }) =>
    `${name} ${ascending ? 'ASC' : 'DESC'}`.trim(),
  );
  return ` ORDER BY ${printed.join(', ')}`;
}

function printFill(fill: Fill | undefined): string {
  if (fill === undefined || fill.kind === 'null') return '';
  return ` fill(${fill.kind === 'number' ? String(fill.value) : fill.kind})`;
}

function paging({ limit, offset, seriesLimit, seriesOffset }: Paging): string {
  const part = (word: string, value: number): string => (value > 0 ? ` ${word} ${value}` : '');
  return (
    part('LIMIT', limit) +
    part('OFFSET', offset) +
    part('SLIMIT', seriesLimit) +
    part('SOFFSET', seriesOffset)
  );
}

function tail(query: Omit<SchemaQuery, 'sources' | 'database'>): string {
  return where(query.condition) + orderBy(query.sortFields) + paging(query);
}

function on(database: string): string {
  return database === '' ? '' : ` ON ${quoteIdent(database)}`;
}

/** The reference quotes neither of the two here. */
function onPlace(statement: ShowMeasurements): string {
  const { database, retentionPolicy, wildcardDatabase, wildcardRetentionPolicy } = statement;
  if (database === '' && !wildcardDatabase) return '';
  const policy = wildcardRetentionPolicy ? '*' : retentionPolicy;
  return ` ON ${wildcardDatabase ? '*' : database}${policy === '' ? '' : `.${policy}`}`;
}

function withKey(keys: KeyCondition | undefined): string {
  if (keys === undefined) return '';
  const { operator, operand } = keys;
  const printed = operand.kind === 'string' ? quoteIdent(operand.value) : printExpr(operand);
  return ` WITH KEY ${operator} ${printed}`;
}

function printCreateDatabase(name: string, policy: RetentionSpec | undefined): string {
  const head = `CREATE DATABASE ${quoteIdent(name)}`;
  if (policy === undefined) return head;
  const policyName = (policy.name ?? '') === '' ? '' : ` NAME ${quoteIdent(policy.name ?? '')}`;
  return `${head} WITH${retention(withoutEndless(policy), formatGoDuration)}${limits(policy)}${policyName}`;
}

function printRetentionPolicy(
  statement: Extract<Statement, { kind: 'create-retention-policy' | 'alter-retention-policy' }>,
): string {
  const { kind, name, database, policy, isDefault } = statement;
  const isNew = kind === 'create-retention-policy';
  const head = `${isNew ? 'CREATE' : 'ALTER'} RETENTION POLICY ${quoteIdent(name)} ON ${quoteIdent(database)}`;
  const shown = retention(isNew ? withoutEndless(policy) : policy, formatDuration);
  return head + shown + (isDefault ? ' DEFAULT' : '') + limits(policy);
}

/** CREATE DATABASE alone prints its durations in Go's form. */
function retention(policy: RetentionSpec, format: (valueNs: bigint) => string): string {
  const duration = (word: string, valueNs: bigint | undefined): string =>
    valueNs === undefined ? '' : ` ${word} ${format(valueNs)}`;
  return (
    duration('DURATION', policy.durationNs) +
    (policy.replication === undefined ? '' : ` REPLICATION ${policy.replication}`) +
    duration('SHARD DURATION', policy.shardDurationNs)
  );
}

/** What is created prints no shard duration that is left to the server; what is changed prints what was said. */
function withoutEndless(policy: RetentionSpec): RetentionSpec {
  return policy.shardDurationNs === 0n ? { ...policy, shardDurationNs: undefined } : policy;
}

/** A window that is not there is not printed. */
function limits({ futureLimitNs = 0n, pastLimitNs = 0n }: RetentionSpec): string {
  const future = futureLimitNs === 0n ? '' : ` FUTURE LIMIT ${formatDuration(futureLimitNs)}`;
  return future + (pastLimitNs === 0n ? '' : ` PAST LIMIT ${formatDuration(pastLimitNs)}`);
}

function printExecute({
  name,
  database,
  fromNs,
  toNs,
}: Extract<Statement, { kind: 'execute-continuous-query' }>): string {
  const place = `${quoteIdent(name)} ON ${quoteIdent(database)}`;
  return `EXECUTE CONTINUOUS QUERY ${place} FROM '${formatRfc3339(fromNs)}' TO '${formatRfc3339(toNs)}'`;
}

function printContinuousQuery(
  statement: Extract<Statement, { kind: 'create-continuous-query' }>,
): string {
  const { name, database, resampleEveryNs, resampleForNs, select } = statement;
  const every = resampleEveryNs === undefined ? '' : ` EVERY ${formatDuration(resampleEveryNs)}`;
  const during = resampleForNs === undefined ? '' : ` FOR ${formatDuration(resampleForNs)}`;
  const resample = every === '' && during === '' ? '' : ` RESAMPLE${every}${during}`;
  const head = `CREATE CONTINUOUS QUERY ${quoteIdent(name)} ON ${quoteIdent(database)}`;
  return `${head}${resample} BEGIN ${printSelect(select)} END`;
}
