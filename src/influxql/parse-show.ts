import type {
  CardinalityOf,
  Expr,
  KeyCondition,
  Paging,
  SchemaQuery,
  ShowMeasurements,
  Statement,
} from './ast.ts';
import {
  parseCondition,
  parseDimensions,
  parseOneSource,
  parseOrderBy,
  parsePaging,
  parseSources,
} from './parse-select.ts';
import type { TokenReader } from './token-reader.ts';

/** SHOW has been read. */
export function parseShow(reader: TokenReader): Statement {
  const token = reader.next();
  switch (token.kind) {
    case 'CONTINUOUS':
      reader.expect('QUERIES');
      return { kind: 'show-continuous-queries' };
    case 'DATABASES':
      return { kind: 'show-databases' };
    case 'DIAGNOSTICS':
    case 'STATS': {
      const module = reader.accept('FOR') ? reader.string() : '';
      return { kind: token.kind === 'STATS' ? 'show-stats' : 'show-diagnostics', module };
    }
    case 'FIELD':
      return parseShowField(reader);
    case 'GRANTS':
      reader.expect('FOR');
      return { kind: 'show-grants', user: reader.identifier() };
    case 'MEASUREMENT':
      return parseCardinality(reader, 'MEASUREMENT');
    case 'MEASUREMENTS':
      return parseShowMeasurements(reader);
    case 'QUERIES':
      return { kind: 'show-queries' };
    case 'RETENTION':
      reader.expect('POLICIES');
      return { kind: 'show-retention-policies', database: parseOn(reader) };
    case 'SERIES':
      return parseShowSeries(reader);
    case 'SHARD':
      reader.expect('GROUPS');
      return { kind: 'show-shard-groups' };
    case 'SHARDS':
      return { kind: 'show-shards' };
    case 'SUBSCRIPTIONS':
      return { kind: 'show-subscriptions' };
    case 'TAG':
      return parseShowTag(reader);
    case 'USERS':
      return { kind: 'show-users' };
    default:
      throw reader.unexpectedToken(
        token,
        'CONTINUOUS',
        'DATABASES',
        'DIAGNOSTICS',
        'FIELD',
        'GRANTS',
        'MEASUREMENT',
        'MEASUREMENTS',
        'QUERIES',
        'RETENTION',
        'SERIES',
        'SHARD',
        'SHARDS',
        'STATS',
        'SUBSCRIPTIONS',
        'TAG',
        'USERS',
      );
  }
}

function parseOn(reader: TokenReader): string {
  return reader.accept('ON') ? reader.identifier() : '';
}

function parseFrom(reader: TokenReader): SchemaQuery['sources'] {
  return reader.accept('FROM') ? parseSources(reader, { subqueries: false }) : [];
}

/** [ON db] [FROM] [WHERE] [ORDER BY] [LIMIT] [OFFSET] */
function parseSchemaQuery(reader: TokenReader): SchemaQuery {
  const database = parseOn(reader);
  const sources = parseFrom(reader);
  return { database, sources, ...parseSchemaTail(reader) };
}

function parseSchemaTail(reader: TokenReader): Omit<SchemaQuery, 'database' | 'sources'> {
  const condition = parseCondition(reader);
  const sortFields = parseOrderBy(reader);
  return { condition, sortFields, ...parsePage(reader) };
}

/** [LIMIT] [OFFSET] */
function parsePage(reader: TokenReader): Paging {
  const limit = reader.accept('LIMIT') ? reader.page('LIMIT') : 0;
  const offset = reader.accept('OFFSET') ? reader.page('OFFSET') : 0;
  return { limit, offset, seriesLimit: 0, seriesOffset: 0 };
}

function parseShowField(reader: TokenReader): Statement {
  if (reader.accept('KEYS')) {
    const database = parseOn(reader);
    const sources = parseFrom(reader);
    const sortFields = parseOrderBy(reader);
    return { kind: 'show-field-keys', database, sources, sortFields, ...parsePage(reader) };
  }
  if (!reader.accept('KEY')) throw reader.unexpected('KEY', 'KEYS');
  return parseCardinality(reader, 'FIELD KEY');
}

function parseShowMeasurements(reader: TokenReader): ShowMeasurements {
  let database = '';
  let retentionPolicy = '';
  let wildcardDatabase = false;
  let wildcardRetentionPolicy = false;
  if (reader.accept('ON')) {
    ({ name: database, isWildcard: wildcardDatabase } = parseNameOrStar(reader));
    if (reader.accept('.'))
      ({ name: retentionPolicy, isWildcard: wildcardRetentionPolicy } = parseNameOrStar(reader));
  }
  const withMeasurement = parseWithMeasurement(reader);
  return {
    kind: 'show-measurements',
    database,
    retentionPolicy,
    wildcardDatabase,
    wildcardRetentionPolicy,
    with: withMeasurement,
    sources: [],
    ...parseSchemaTail(reader),
  };
}

function parseNameOrStar(reader: TokenReader): { name: string; isWildcard: boolean } {
  if (reader.accept('*')) return { name: '', isWildcard: true };
  if (reader.peek().kind !== 'IDENT') throw reader.unexpected('identifier or *');
  return { name: reader.identifier(), isWildcard: false };
}

function parseWithMeasurement(reader: TokenReader): ShowMeasurements['with'] {
  if (!reader.accept('WITH')) return undefined;
  reader.expect('MEASUREMENT');
  // The reference looks at what follows alone: a name may stand behind `=~`, and a pattern behind `=`.
  if (!reader.accept('=~') && !reader.accept('=')) throw reader.unexpected('=', '=~');
  return parseOneSource(reader);
}

function parseShowTag(reader: TokenReader): Statement {
  if (reader.accept('KEYS')) {
    const database = parseOn(reader);
    const sources = parseFrom(reader);
    const keys = reader.accept('WITH') ? parseWithKey(reader) : undefined;
    const condition = parseCondition(reader);
    const sortFields = parseOrderBy(reader);
    // Pages of measurements are known to this statement alone.
    const tail = { condition, sortFields, ...parsePaging(reader) };
    return { kind: 'show-tag-keys', database, sources, keys, ...tail };
  }
  if (reader.accept('KEY')) return parseCardinality(reader, 'TAG KEY');
  if (!reader.accept('VALUES')) throw reader.unexpected('KEY', 'KEYS', 'VALUES');
  if (reader.peek().kind === 'EXACT' || reader.peek().kind === 'CARDINALITY')
    return parseCardinality(reader, 'TAG VALUES');
  const database = parseOn(reader);
  const sources = parseFrom(reader);
  reader.expect('WITH');
  const keys = parseWithKey(reader);
  return { kind: 'show-tag-values', database, sources, keys, ...parseSchemaTail(reader) };
}

/** WITH has been read: KEY = k | != k | =~ re | !~ re | IN (k, ...). */
function parseWithKey(reader: TokenReader): KeyCondition {
  reader.expect('KEY');
  if (reader.accept('IN')) {
    reader.expect('(');
    const names = [reader.identifier()];
    while (reader.accept(',')) names.push(reader.identifier());
    reader.expect(')');
    return { operator: 'IN', operand: { kind: 'list', names } };
  }
  for (const operator of ['=~', '!~'] as const)
    if (reader.accept(operator)) {
      const source = reader.acceptRegex();
      if (source === undefined) throw reader.unexpected('regex');
      return { operator, operand: { kind: 'regex', source } };
    }
  for (const operator of ['=', '!='] as const)
    if (reader.accept(operator))
      return { operator, operand: { kind: 'string', value: reader.identifier() } };
  throw reader.unexpected('IN', '=', '=~');
}

/** The reference passes over an EXACT that no CARDINALITY follows. */
function parseShowSeries(reader: TokenReader): Statement {
  const exact = reader.accept('EXACT');
  if (reader.peek().kind === 'CARDINALITY') return parseCardinality(reader, 'SERIES', exact);
  return { kind: 'show-series', ...parseSchemaQuery(reader) };
}

/** [EXACT] CARDINALITY [ON] [FROM] [WHERE] [GROUP BY] [LIMIT] [OFFSET]; of TAG VALUES with WITH KEY before WHERE */
function parseCardinality(
  reader: TokenReader,
  of: CardinalityOf,
  exact = reader.accept('EXACT'),
): Statement {
  if (!exact && reader.peek().kind !== 'CARDINALITY')
    throw reader.unexpected('EXACT', 'CARDINALITY');
  reader.expect('CARDINALITY');
  const database = parseOn(reader);
  const sources = parseFrom(reader);
  if (of === 'TAG VALUES') reader.expect('WITH');
  const keys = of === 'TAG VALUES' ? parseWithKey(reader) : undefined;
  const condition = parseCondition(reader);
  const dimensions: Expr[] = parseDimensions(reader);
  const paging = parsePage(reader);
  const head = { kind: 'show-cardinality', of, exact, keys, dimensions } as const;
  return { ...head, database, sources, condition, sortFields: [], ...paging };
}
