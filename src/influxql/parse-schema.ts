import { DbError } from '../base/errors.ts';
import type {
  Expr,
  Measurement,
  Privilege,
  RetentionSpec,
  SelectStatement,
  Source,
  Statement,
} from './ast.ts';
import { formatDuration } from './duration.ts';
import { parseCondition, parseSelect, parseSources } from './parse-select.ts';
import { parseTimeLiteral } from './time-literal.ts';
import type { Token } from './token.ts';
import { syntaxError, syntaxErrorAt, type TokenReader } from './token-reader.ts';

const replicationMax = 2147483647;

/** CREATE has been read. */
export function parseCreate(reader: TokenReader): Statement {
  const token = reader.next();
  switch (token.kind) {
    case 'CONTINUOUS':
      return parseCreateContinuousQuery(reader);
    case 'DATABASE':
      return parseCreateDatabase(reader);
    case 'USER':
      return parseCreateUser(reader);
    case 'RETENTION':
      reader.expect('POLICY');
      return parseRetentionPolicy(reader, 'create-retention-policy');
    case 'SUBSCRIPTION':
      return parseCreateSubscription(reader);
    default:
      throw reader.unexpectedToken(
        token,
        'CONTINUOUS',
        'DATABASE',
        'USER',
        'RETENTION',
        'SUBSCRIPTION',
      );
  }
}

/** ALTER has been read. */
export function parseAlter(reader: TokenReader): Statement {
  reader.expect('RETENTION', 'POLICY');
  return parseRetentionPolicy(reader, 'alter-retention-policy');
}

function parseCreateDatabase(reader: TokenReader): Statement {
  const name = reader.identifier();
  if (!reader.accept('WITH')) return { kind: 'create-database', name };
  const policy = parseRetentionSpec(reader, { withName: true, isCreated: true }).spec;
  if (Object.keys(policy).length === 0)
    throw reader.unexpected('DURATION', 'NAME', 'REPLICATION', 'SHARD', 'FUTURE', 'PAST');
  return { kind: 'create-database', name, policy };
}

function parseRetentionPolicy(
  reader: TokenReader,
  kind: 'create-retention-policy' | 'alter-retention-policy',
): Statement {
  const isCreated = kind === 'create-retention-policy';
  // DEFAULT is a name here, of a policy that was called so in old times.
  const name = !isCreated && reader.accept('DEFAULT') ? 'default' : reader.identifier();
  reader.expect('ON');
  const database = reader.identifier();
  if (isCreated && reader.peek().kind !== 'DURATION') throw reader.unexpected('DURATION');
  const { spec, isDefault, second = reader.peek() } = parseRetentionSpec(reader, { withName: false, isCreated }); // prettier-ignore
  // Without one the reference had looked for it behind the duration.
  if (isCreated && spec.replication === undefined) throw syntaxError(second, 'REPLICATION');
  if (!isDefault && Object.keys(spec).length === 0)
    throw reader.unexpected('DURATION', 'REPLICATION', 'SHARD', 'DEFAULT', 'FUTURE', 'PAST');
  return { kind, name, database, policy: spec, isDefault };
}

/** Clauses in any order: 1.12 itself moved them between patches. */
function parseRetentionSpec(
  reader: TokenReader,
  { withName, isCreated }: { readonly withName: boolean; readonly isCreated: boolean },
): {
  readonly spec: RetentionSpec;
  readonly isDefault: boolean;
  readonly second: Token | undefined;
} {
  let spec: RetentionSpec = {};
  let isDefault = false;
  let second: Token | undefined;
  const seen = new Set<string>();
  for (;;) {
    const token = reader.peek();
    const isClause = ['DURATION', 'REPLICATION', 'SHARD', 'PAST', 'FUTURE'].includes(token.kind);
    if (!isClause && token.kind !== (withName ? 'NAME' : 'DEFAULT'))
      return { spec, isDefault, second };
    // Where clauses have an order of their own, one that is there already is just something else that follows.
    if (seen.has(token.kind) && isCreated) return { spec, isDefault, second };
    reader.next();
    if (seen.size === 1) second = token;
    if (seen.has(token.kind)) throw syntaxErrorAt(token, `found duplicate ${token.kind} option`);
    seen.add(token.kind);
    switch (token.kind) {
      case 'DURATION':
        spec = { ...spec, durationNs: reader.durationNs() };
        break;
      case 'REPLICATION':
        spec = { ...spec, replication: reader.integer(1, replicationMax) };
        break;
      case 'SHARD':
        reader.expect('DURATION');
        if (!withName && reader.peek().kind === 'INF') {
          const inf = reader.next();
          throw syntaxErrorAt(inf, 'invalid duration INF for shard duration');
        }
        spec = { ...spec, shardDurationNs: reader.durationNs() };
        break;
      case 'PAST':
        reader.expect('LIMIT');
        spec = { ...spec, pastLimitNs: reader.durationNs() };
        break;
      case 'FUTURE':
        reader.expect('LIMIT');
        spec = { ...spec, futureLimitNs: reader.durationNs() };
        break;
      case 'NAME':
        spec = { ...spec, name: reader.identifier() };
        break;
      default:
        isDefault = true;
    }
  }
}

function parseCreateContinuousQuery(reader: TokenReader): Statement {
  reader.expect('QUERY');
  const name = reader.identifier();
  reader.expect('ON');
  const database = reader.identifier();
  let resampleEveryNs: bigint | undefined;
  let resampleForNs: bigint | undefined;
  if (reader.accept('RESAMPLE')) {
    if (reader.accept('EVERY')) resampleEveryNs = resampleNs(reader);
    if (reader.accept('FOR')) resampleForNs = resampleNs(reader);
    if (resampleEveryNs === undefined && resampleForNs === undefined)
      throw reader.unexpected('EVERY', 'FOR');
  }
  reader.expect('BEGIN', 'SELECT');
  const select = parseSelect(reader, { into: 'required' });
  checkInterval(reader, select, { resampleEveryNs, resampleForNs });
  reader.expect('END');
  const kind = 'create-continuous-query';
  return { kind, name, database, resampleEveryNs, resampleForNs, select };
}

/** One of zero is none, as in the reference. */
function resampleNs(reader: TokenReader): bigint | undefined {
  if (reader.peek().kind === 'INF') throw reader.unexpected('duration');
  return reader.durationNs() || undefined;
}

/** EXECUTE CONTINUOUS QUERY name ON db FROM 'time' TO 'time', CONTINUOUS taken. */
export function parseExecute(reader: TokenReader): Statement {
  reader.expect('QUERY');
  const name = reader.identifier();
  reader.expect('ON');
  const database = reader.identifier();
  reader.expect('FROM');
  const fromNs = timeOf(reader.string());
  reader.expect('TO');
  const toNs = timeOf(reader.string());
  if (fromNs >= toNs) throw new DbError('parse_error', 'FROM has to be before TO');
  return { kind: 'execute-continuous-query', name, database, fromNs, toNs };
}

function timeOf(text: string): bigint {
  const timeNs = parseTimeLiteral(text);
  if (timeNs === undefined) throw new DbError('parse_error', `invalid timestamp string: ${text}`);
  return timeNs;
}

/** An aggregating query runs in windows of time, and RESAMPLE FOR covers at least one. */
function checkInterval(
  reader: TokenReader,
  select: SelectStatement,
  resample: { readonly resampleEveryNs?: bigint | undefined; readonly resampleForNs?: bigint | undefined }, // prettier-ignore
): void {
  const interval = groupByInterval(select.dimensions);
  const isRaw = !select.fields.some(({ expr }) => hasCall(expr));
  if (!isRaw && (interval === 0n || typeof interval === 'string')) {
    const token = reader.taken ?? reader.peek();
    throw syntaxError(token, 'GROUP BY time(...)', ...(interval === 0n ? [] : [interval]));
  }
  if (typeof interval === 'string') throw new DbError('parse_error', interval);
  const { resampleEveryNs = 0n, resampleForNs = 0n } = resample;
  const leastNs = resampleEveryNs > interval ? resampleEveryNs : interval;
  if (resampleForNs === 0n || leastNs <= resampleForNs) return;
  const bounds = `must be a minimum of ${formatDuration(leastNs)}, got ${formatDuration(resampleForNs)}`; // prettier-ignore
  throw new DbError('parse_error', `FOR duration must be >= GROUP BY time duration: ${bounds}`);
}

/** Nanoseconds of GROUP BY time(), 0 without one, or what is wrong with it. */
function groupByInterval(dimensions: readonly Expr[]): bigint | string {
  for (const expr of dimensions) {
    if (expr.kind !== 'call' || expr.name !== 'time') continue;
    const [width, ...others] = expr.args;
    if (width === undefined || others.length > 1) return 'time dimension expected 1 or 2 arguments';
    if (width.kind !== 'duration') return 'time dimension must have duration argument';
    return width.valueNs;
  }
  return 0n;
}

function hasCall(expr: Expr): boolean {
  if (expr.kind === 'paren') return hasCall(expr.expr);
  if (expr.kind === 'binary') return hasCall(expr.left) || hasCall(expr.right);
  return expr.kind === 'call';
}

function parseCreateSubscription(reader: TokenReader): Statement {
  const name = reader.identifier();
  const { database, retentionPolicy } = parseOnPolicy(reader);
  reader.expect('DESTINATIONS');
  const token = reader.next();
  if (token.kind !== 'ALL' && token.kind !== 'ANY')
    throw reader.unexpectedToken(token, 'ALL', 'ANY');
  const destinations = [reader.string()];
  while (reader.accept(',')) destinations.push(reader.string());
  const kind = 'create-subscription';
  return { kind, name, database, retentionPolicy, mode: token.kind, destinations };
}

function parseOnPolicy(reader: TokenReader): { database: string; retentionPolicy: string } {
  reader.expect('ON');
  const database = reader.identifier();
  const token = reader.nextOrBlank();
  if (token.kind !== '.') throw reader.unexpectedToken(token, '.');
  return { database, retentionPolicy: reader.identifier() };
}

function parseCreateUser(reader: TokenReader): Statement {
  const name = reader.identifier();
  reader.expect('WITH', 'PASSWORD');
  const password = reader.string();
  const isAdmin = reader.accept('WITH');
  if (isAdmin) reader.expect('ALL', 'PRIVILEGES');
  return { kind: 'create-user', name, password, isAdmin };
}

/** DROP has been read. */
export function parseDrop(reader: TokenReader): Statement {
  const token = reader.next();
  switch (token.kind) {
    case 'CONTINUOUS': {
      reader.expect('QUERY');
      const name = reader.identifier();
      reader.expect('ON');
      return { kind: 'drop-continuous-query', name, database: reader.identifier() };
    }
    case 'DATABASE':
      return { kind: 'drop-database', name: reader.identifier() };
    case 'MEASUREMENT':
      return { kind: 'drop-measurement', name: reader.identifier() };
    case 'RETENTION': {
      reader.expect('POLICY');
      const name = reader.identifier();
      reader.expect('ON');
      return { kind: 'drop-retention-policy', name, database: reader.identifier() };
    }
    case 'SERIES': {
      return { kind: 'drop-series', ...parseFromWhere(reader, { policies: false }) };
    }
    case 'SHARD':
      return { kind: 'drop-shard', shardId: reader.unsigned64() };
    case 'SUBSCRIPTION':
      return { kind: 'drop-subscription', name: reader.identifier(), ...parseOnPolicy(reader) };
    case 'USER':
      return { kind: 'drop-user', name: reader.identifier() };
    default:
      throw reader.unexpectedToken(
        token,
        'CONTINUOUS',
        'DATABASE',
        'MEASUREMENT',
        'RETENTION',
        'SERIES',
        'SHARD',
        'SUBSCRIPTION',
        'USER',
      );
  }
}

/** DELETE has been read. */
export function parseDelete(reader: TokenReader): Statement {
  return { kind: 'delete', ...parseFromWhere(reader, { policies: true }) };
}

function parseFromWhere(
  reader: TokenReader,
  { policies }: { readonly policies: boolean },
): Pick<Extract<Statement, { kind: 'delete' }>, 'sources' | 'condition'> {
  const ahead = reader.peek().kind;
  if (ahead !== 'FROM' && ahead !== 'WHERE') throw reader.unexpected('FROM', 'WHERE');
  const sources = reader.accept('FROM') ? parseSources(reader, { subqueries: false }) : [];
  for (const { database, retentionPolicy } of measurementsOf({ sources })) {
    if (!policies && retentionPolicy !== '') throw unplacedError('retention policy not supported');
    if (database !== '') throw unplacedError('database not supported');
  }
  return { sources, condition: parseCondition(reader) };
}

function measurementsOf({
  sources,
}: {
  readonly sources: readonly Source[];
}): readonly Measurement[] {
  return sources.filter((source): source is Measurement => source.kind === 'measurement');
}

/** The reference has no place for it, and says the first one. */
function unplacedError(text: string): DbError {
  return new DbError('parse_error', `${text} at line 1, char 1`);
}

/** GRANT or REVOKE has been read. */
export function parseGrant(reader: TokenReader, kind: 'grant' | 'revoke'): Statement {
  const token = reader.next();
  if (token.kind !== 'READ' && token.kind !== 'WRITE' && token.kind !== 'ALL')
    throw reader.unexpectedToken(token, 'READ', 'WRITE', 'ALL [PRIVILEGES]');
  const privilege: Privilege = token.kind === 'ALL' ? 'ALL PRIVILEGES' : token.kind;
  if (token.kind === 'ALL') reader.accept('PRIVILEGES');
  const preposition = kind === 'grant' ? 'TO' : 'FROM';
  if (reader.accept('ON')) {
    const database = reader.identifier();
    reader.expect(preposition);
    return { kind, privilege, database, user: reader.identifier() };
  }
  if (token.kind !== 'ALL') throw reader.unexpected('ON');
  if (!reader.accept(preposition)) throw reader.unexpected('ON', preposition);
  return { kind: kind === 'grant' ? 'grant-admin' : 'revoke-admin', user: reader.identifier() };
}

/** SET has been read. */
export function parseSetPassword(reader: TokenReader): Statement {
  reader.expect('PASSWORD', 'FOR');
  const name = reader.identifier();
  reader.expect('=');
  return { kind: 'set-password', name, password: reader.string() };
}

/** KILL has been read. */
export function parseKill(reader: TokenReader): Statement {
  reader.expect('QUERY');
  const queryId = reader.unsigned64();
  if (!reader.accept('ON')) return { kind: 'kill-query', queryId, host: '' };
  const isString = reader.peek().kind === 'STRING';
  return { kind: 'kill-query', queryId, host: isString ? reader.string() : reader.identifier() };
}
