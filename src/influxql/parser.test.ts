import { expect, test } from 'vitest';
import { parseQuery } from './parser.ts';
import { printStatement } from './printer.ts';

/** What 1.12.4 says, or prints. */
test.each([
  ['SELECT /* c */ v FROM m', 'error parsing regexp: missing argument to repetition operator: `*`'],
  ['SELECT v FROM m WHERE t =~ /*/', 'error parsing regexp: missing argument to repetition operator: `*`'], // prettier-ignore
  ['SELECT v FROM m /* open', 'found  , expected regex at line 1, char 16'],
  ['SELECT v FROM m WHERE v > 1 /* open', 'found ILLEGAL, expected ; at line 1, char 29'],
  ['SELECT distinct("', 'found BADSTRING, expected identifier, string, number, bool at line 1, char 16'], // prettier-ignore
  ['"', 'found BADSTRING, expected SELECT, DELETE, SHOW, CREATE, DROP, EXPLAIN, GRANT, REVOKE, ALTER, SET, KILL at line 1, char 1'], // prettier-ignore
  ['SHOW SERIES EXACT FROM m', 'SHOW SERIES FROM m'],
  ['SHOW SERIES EXACT CARDINALITY FROM m', 'SHOW SERIES EXACT CARDINALITY FROM m'],
  ['SELECT v FROM ""', 'SELECT v FROM ""'],
  ['SELECT v FROM m LIMIT ""', 'found IDENT, expected integer at line 1, char 23'],
  ['SELECT DISTINCT FROM cpu', 'found FROM, expected identifier at line 1, char 17'],
  ['SELECT DISTINCT,v FROM cpu', 'found ,, expected (, identifier at line 1, char 16'],
  ['SELECT usage FROM cpu.', 'found EOF, expected identifier at line 1, char 24'],
  ['SELECT count (v) FROM m', 'found (, expected FROM at line 1, char 14'],
  ['SELECT count( ) FROM m', 'SELECT count() FROM m'],
  ['SELECT b::', 'found EOF, expected float, integer, string, boolean, field, tag at line 1, char 11'], // prettier-ignore
  ['SELECT b::x FROM m', 'found x, expected float, integer, unsigned, string, boolean, field, tag at line 1, char 11'], // prettier-ignore
  ['SELECT v FROM m WHERE time > now() - 20000w', 'overflowed duration 20000w: choose a smaller duration or INF'], // prettier-ignore
  ['SELECT v FROM m WHERE time > now() - 10n', 'invalid duration'],
  ['CREATE DATABASE d WITH DURATION 20000w', 'overflowed duration 20000w: choose a smaller duration or INF at line 1, char 33'], // prettier-ignore
  [`SELECT v * 1${'0'.repeat(400)}.0 FROM m`, 'unable to parse number at line 1, char 12'],
  ['ALTER RETENTION POLICY p ON d SHARD DURATION 1h SHARD DURATION 1h', 'found duplicate SHARD option at line 1, char 49'], // prettier-ignore
  ['DELETE FROM a.b.c', 'database not supported at line 1, char 1'],
  ['DELETE FROM b.c', 'DELETE FROM b.c'],
  ['DROP SERIES FROM b.c', 'retention policy not supported at line 1, char 1'],
  ['CREATE CONTINUOUS QUERY a ON d BEGIN SELECT mean(v) INTO x FROM /m/  END', 'found m, expected GROUP BY time(...) at line 1, char 64'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d BEGIN SELECT mean(v) INTO x FROM cpu END', 'found cpu, expected GROUP BY time(...) at line 1, char 65'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d BEGIN SELECT mean(v) INTO x FROM cpu GROUP BY time(v) END', 'found ), expected GROUP BY time(...), time dimension must have duration argument at line 1, char 84'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d RESAMPLE EVERY 0s FOR 0s BEGIN SELECT mean(v) INTO x FROM cpu GROUP BY time(1h) END', 'found BEGIN, expected EVERY, FOR at line 1, char 57'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d RESAMPLE EVERY INF BEGIN SELECT mean(v) INTO x FROM cpu GROUP BY time(1h) END', 'found INF, expected duration at line 1, char 47'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d RESAMPLE FOR 1m BEGIN SELECT mean(v) INTO x FROM cpu GROUP BY time(1h) END', 'FOR duration must be >= GROUP BY time duration: must be a minimum of 1h, got 1m'], // prettier-ignore
  ['CREATE CONTINUOUS QUERY a ON d BEGIN SELECT v INTO x FROM cpu END', 'CREATE CONTINUOUS QUERY a ON d BEGIN SELECT v INTO x FROM cpu END'], // prettier-ignore
  ['SELECT v FROM me"m n"', 'SELECT v FROM "m n"'],
  ['CREATE RETENTION POLICY p ON d DURATION 1h SHARD DURATION 1h', 'found SHARD, expected REPLICATION at line 1, char 44'], // prettier-ignore
  ['CREATE RETENTION POLICY p ON d DURATION 1h DEFAULT', 'found DEFAULT, expected REPLICATION at line 1, char 44'], // prettier-ignore
  ['CREATE RETENTION POLICY p ON d DURATION 1h REPLICATION 9223372036854775808', 'strconv.Atoi: parsing "9223372036854775808": value out of range at line 1, char 56'], // prettier-ignore
  ['SELECT v AS "🙂🙂" FROM m WHERE key', 'found KEY, expected identifier, string, number, bool at line 1, char 31'], // prettier-ignore
  ['SELECT v FROM "🙂"\nWHERE "é🙂" = 🙂', 'found 🙂, expected identifier, string, number, bool at line 2, char 14'], // prettier-ignore
  ['SELECT "🙂" FROM m WHERE a = \'x\' \'y\'', "found y, expected ; at line 1, char 32"], // prettier-ignore
  ['SELECT 🙂', 'found 🙂, expected identifier, string, number, bool at line 1, char 8'],
  ['SELECT "\\🙂"', 'found \\🙂, expected identifier, string, number, bool at line 1, char 10'],
  ['SELECT v FROM name" x', 'found  x, expected identifier at line 1, char 18'],
  ['SELECT a"b FROM m', 'found b FROM m, expected identifier, string, number, bool at line 1, char 8'], // prettier-ignore
  ['SHOW MEASUREMENTS ON (', 'found (, expected identifier or * at line 1, char 22'],
  ['SHOW MEASUREMENTS ON d.', 'found EOF, expected identifier or * at line 1, char 24'],
  ['SHOW TAG VALUES FROM /^l/ WITH KEY =~', 'found EOF, expected regex at line 1, char 39'],
  ['SELECT v FROM m ORDER BY time, DESC', 'found DESC, expected identifier at line 1, char 32'],
  ['SELECT v FROM m ORDER BY 5', 'found 5, expected identifier, ASC, DESC at line 1, char 26'],
  [
    'SHOW MEASUREMENTS WITH MEASUREMENT =~ x LIMIT',
    'found EOF, expected integer at line 1, char 47',
  ],
  ['SHOW MEASUREMENTS WITH MEASUREMENT = /x/', 'SHOW MEASUREMENTS WITH MEASUREMENT =~ /x/'],
  ['SHOW MEASUREMENTS WITH MEASUREMENT =', 'found EOF, expected identifier at line 1, char 38'],
  ["SHOW MEASUREMENTS WITH MEASUREMENT =~ 'x'", 'found x, expected identifier at line 1, char 38'],
  ['SHOW TAG VALUES CARDINALITY ON d', 'found EOF, expected WITH at line 1, char 34'],
])('parser: %s', (text, expected) => {
  let said: string;
  try {
    said = parseQuery(text).map(printStatement).join();
  } catch (error) {
    said = (error as Error).message;
  }
  expect(said).toContain(expected);
});

test('parser: EXECUTE CONTINUOUS QUERY is ours, and no keyword', () => {
  const text = `EXECUTE CONTINUOUS QUERY "a b" ON db FROM '2026-01-01T00:00:00Z' TO '2026-01-02T00:00:00.5Z'`;
  const [statement] = parseQuery(text.replace('EXECUTE', 'execute'));
  expect(statement && printStatement(statement)).toBe(text);
  expect(parseQuery('SELECT execute FROM execute')).toHaveLength(1);
  expect(() => parseQuery('EXECUTE q')).toThrow('found EXECUTE, expected SELECT');
  expect(() => parseQuery("EXECUTE CONTINUOUS QUERY q ON db FROM '1' TO '2'")).toThrow(
    'invalid timestamp string: 1',
  );
  expect(() =>
    parseQuery("EXECUTE CONTINUOUS QUERY q ON db FROM '2026-01-01' TO '2026-01-01'"),
  ).toThrow('FROM has to be before TO');
});

test('parser: a carriage return ends a line, and with it a name', () => {
  expect(parseQuery('SELECT v -- one\rFROM m\r\n').map(printStatement)).toEqual([
    'SELECT v FROM m',
  ]);
  const wrong: readonly (readonly [text: string, error: string])[] = [
    ['SELECT v FROM "a\rb"', 'found a, expected identifier at line 1, char 14'],
    ['CREATE DATABASE\r\n"a\rb"', 'found a, expected identifier at line 1, char 16'],
    ["SELECT v FROM m\n'a'", 'found a, expected ; at line 1, char 16'],
    ['SELECT v\r\nFROM\r m WHER', 'found WHER, expected ; at line 3, char 4'],
  ];
  for (const [text, error] of wrong) expect(() => parseQuery(text)).toThrow(error);
});

test('parser: a comment stands wherever no pattern may', () => {
  const text = '-- one\nSELECT v /* two */ FROM m -- three\n/* four */ WHERE /* five */ t = 1';
  expect(parseQuery(text).map(printStatement)).toEqual(['SELECT v FROM m WHERE t = 1']);
});

test('parser: 100,000 terms of AND and OR print as they were written', () => {
  const chain = (operator: string) => Array.from({ length: 50_000 }, (_, i) => `h = 'a${i}'`).join(` ${operator} `); // prettier-ignore
  const text = `SELECT v FROM m WHERE ${chain('OR')} AND ${chain('AND')}`;
  expect(parseQuery(text).map(printStatement)).toEqual([text]);
});

test('parser: precedence is that of the reference', () => {
  const tree = (text: string): string => {
    const [statement] = parseQuery(`SELECT v FROM m WHERE ${text}`);
    const show = (expr: unknown): string => {
      const { kind, operator, left, right, name } = expr as Record<string, string>;
      return kind === 'binary' ? `(${show(left)}${operator ?? ''}${show(right)})` : (name ?? '?');
    };
    return statement?.kind === 'select' ? show(statement.condition) : '';
  };
  expect(tree('a OR b AND c OR d')).toBe('(aOR((bANDc)ORd))');
  expect(tree('a + b * c - d = e AND f')).toBe('((((a+(b*c))-d)=e)ANDf)');
  expect(tree('a = b = c')).toBe('((a=b)=c)');
});

test('parser: what is nested too deep is an error, not the end of the stack', () => {
  const sum = (count: number) => `SELECT ${Array.from({ length: count }, () => 'v').join(' + ')} FROM m`; // prettier-ignore
  expect(parseQuery(sum(1_000)).map(printStatement)).toEqual([sum(1_000)]);
  expect(() => parseQuery(sum(1_100))).toThrow('expression nested deeper than 1000 levels');
  expect(() => parseQuery(sum(100_000))).toThrow('expression nested deeper than 1000 levels');
  for (const [open, close] of [['(', ')'], ['abs(', ')'], ['(-', ')']] as const) // prettier-ignore
    expect(() => parseQuery(`SELECT ${open.repeat(5_000)}v${close.repeat(5_000)} FROM m`)).toThrow('nested deeper than 500 levels'); // prettier-ignore
  expect(() => parseQuery(`${'SELECT v FROM ('.repeat(5_000)}SELECT v FROM m`)).toThrow('nested deeper than 500 levels'); // prettier-ignore
  expect(() => parseQuery(`SELECT ${'- '.repeat(5_000)}v FROM m`)).toThrow('expected identifier, number, duration, ('); // prettier-ignore
});

/** As 1.12.4 prints them. */
test.each([
  ['SELECT v FROM m WHERE v = 1e21 AND w = -0.0000001 AND x = 100.0 AND y = 123456.789', 'SELECT v FROM m WHERE v = 1000000000000000000000.0 AND w = -0.0000001 AND x = 100.0 AND y = 123456.789'], // prettier-ignore
  ['SHOW MEASUREMENTS ON *.*', 'SHOW MEASUREMENTS ON *.*'],
  ['SHOW MEASUREMENTS ON d.*', 'SHOW MEASUREMENTS ON d.*'],
  ['SHOW MEASUREMENTS ON d.rp WITH MEASUREMENT =~ /c/ LIMIT 1', 'SHOW MEASUREMENTS ON d.rp WITH MEASUREMENT =~ /c/ LIMIT 1'], // prettier-ignore
  ['CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1 PAST LIMIT 1h FUTURE LIMIT 2h DEFAULT', 'CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1 DEFAULT FUTURE LIMIT 2h PAST LIMIT 1h'], // prettier-ignore
  ['CREATE DATABASE d WITH SHARD DURATION INF', 'CREATE DATABASE d WITH'],
  [
    'CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1 SHARD DURATION 0s',
    'CREATE RETENTION POLICY p ON d DURATION 1d REPLICATION 1',
  ],
  [
    'ALTER RETENTION POLICY p ON d SHARD DURATION 0s',
    'ALTER RETENTION POLICY p ON d SHARD DURATION 0s',
  ],
  ['CREATE DATABASE d WITH DURATION 1d PAST LIMIT 90m NAME x', 'CREATE DATABASE d WITH DURATION 24h0m0s PAST LIMIT 90m NAME x'], // prettier-ignore
])('printer: %s', (text, printed) => {
  const number = text.replace('1e21', `1${'0'.repeat(21)}.0`);
  expect(parseQuery(number).map(printStatement)).toEqual([printed]);
});

test.each([
  ['SELECT *', 'line 1, char 9'],
  ['SELECT * ', 'line 1, char 11'],
  ['SELECT * \n', 'line 2, char 2'],
  ['SELECT "a" /* b */', 'line 1, char 19'],
  ['SELECT "a" /* b */ ', 'line 1, char 21'],
  ['SELECT a/* b */', 'line 1, char 16'],
  ['SELECT a --b', 'line 1, char 14'],
  ['SELECT a --b\n', 'line 2, char 1'],
])('parser: white space at the end of a text counts as a word there does: %j', (text, place) => {
  expect(() => parseQuery(text)).toThrow(`found EOF, expected FROM at ${place}`);
});

test.each([
  ['SELECT a FROM \0', 'found EOF, expected identifier at line 1, char 16'],
  ['SELECT a \0FROM ', 'found EOF, expected identifier at line 1, char 11'],
  ["SELECT 'a\0b' FROM m", 'found a, expected identifier, string, number, bool at line 1, char 7'],
  ['SELECT a FROM m WHERE a =~ /x\0y/', 'bad regex:  at line 1, char 27'],
  ['SELECT a FROM\0m', 'found FROMm, expected FROM at line 1, char 10'],
  ['SELECT a -- x\0 10', 'found 10, expected FROM at line 1, char 15'],
  ['SELECT a /* x\0 */ FROM m', 'found ILLEGAL, expected FROM at line 1, char 10'],
])(
  'parser: a zero byte is white space behind white space, and elsewhere the end: %j',
  (text, error) => {
    expect(() => parseQuery(text)).toThrow(error);
  },
);

test('parser: what stands behind a zero byte is not read', () => {
  expect(parseQuery('SELECT a FROM m WHERE a = 5\0 LIMIT 1')).toEqual(
    parseQuery('SELECT a FROM m WHERE a = 5'),
  );
  expect(parseQuery('SELECT \0a FROM m')).toEqual(parseQuery('SELECT a FROM m'));
});
