import { expect, test } from 'vitest';
import { errorText } from '../../base/errors.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { evaluate, specialize } from '../../query/predicate.ts';
import { deletionPredicate } from './deletion-condition.ts';

const schema = { name: 'm', fields: new Map([['v', 'float'], ['w', 'float'], ['_name', 'float']] as const), tagKeys: new Set(['host', 't']) }; // prettier-ignore
/** Series of `m`, each by its tags. */
const series = ['host=a,t=a', 'host=b', '', 't=b'];
const all = series.join(' ');

/** The series that a condition deletes, or what it is refused for. */
function deletedBy(condition: string): string {
  const [statement] = parseQuery(`DELETE FROM m WHERE ${condition}`);
  if (statement?.kind !== 'delete') throw new Error('it is one');
  try {
    const predicate = deletionPredicate(statement.condition, schema);
    const passes = (text: string): boolean => {
      const pairs = text.split(',').map((pair) => pair.split('=') as [string, string]);
      const tags = new Map(['host', 't', 'nosuch', '_tagKey', 'v'].map((key) => [key, new Map(pairs).get(key) ?? '']));
      const found = specialize(predicate, tags, (source) => (value) => new RegExp(source).test(value));
      return found === undefined || (found !== false && evaluate(found, () => null, () => () => false));
    };
    return series.filter(passes).join(' ');
  } catch (error) {
    return errorText(error);
  }
} // prettier-ignore

/** As a 1.12.4 deletes. */
const deletions: readonly [string, string][] = [
  ["host = 'a'", 'host=a,t=a'],
  ["'a' = host", 'host=a,t=a'],
  ["host = ''", ' t=b'],
  ["host != ''", 'host=a,t=a host=b'],
  ["nosuch = 'a'", ''],
  ["nosuch != 'a'", all],
  ['host =~ /a|b/', 'host=a,t=a host=b'],
  ['host !~ /a/', 'host=b  t=b'],
  ['host = t', 'host=a,t=a'],
  ['host != t', 'host=b'],
  ['host = host', 'host=a,t=a host=b'],
  ["host::tag = 'a'", 'host=a,t=a'],
  ["v::tag = '1'", ''],
  ["host = 'a' AND true", 'host=a,t=a'],
  ["host = 'a' OR t = 'b'", 'host=a,t=a t=b'],
  ['true', all],
  ['false', ''],
  ['1 = 1', all],
  ["'a' = 'b'", ''],
  ['1 + 1 = 2', all],
  ["_name = 'm'", all],
  ["_name = 'x'", ''],
  ['_name =~ /m/', all],
  ["_tagKey = 'host'", ''],
];

test.each(deletions)('deletion: %s is of the series of a 1.12.4', (condition, deleted) => {
  expect(deletedBy(condition)).toBe(deleted);
});

const refusal = 'fields not supported in WHERE clause during deletion';

test.each([
  'host = 7',
  '7 = host',
  'host != 7',
  'nosuch = 7',
  'nosuch > 7',
  'host = true',
  'host != false',
  'host = 1h',
  'host = now()',
  'v = 1',
  "v = 1 AND host = 'a'",
  "host = 'a' OR nosuch = 7",
  "host = 'a' AND nosuch = 7",
  'host = v',
  'v = host',
  "host + 'x' = 'ax'",
  "host = 'a' = true",
  'abs(v) > 3',
  '-v = 1',
  "host::field = 'a'",
  "nosuch::integer = 7",
])('deletion: %s deletes nothing, and is refused as by a 1.12.4', (condition) => {
  expect(deletedBy(condition)).toBe(refusal);
}); // prettier-ignore

test.each(["host > 'a'", "nosuch > 'a'", "'a' < host"])(
  'deletion: %s, which a 1.12.4 takes for !=, deletes nothing',
  (condition) => {
    expect(deletedBy(condition)).toBe('invalid tag comparison operator');
  },
);

test('deletion: a condition of very many terms is as good as one of a few', () => {
  const terms = Array.from({ length: 20_000 }, (_, i) => `t = 'x${i}'`);
  expect(deletedBy(`${terms.join(' OR ')} OR host = 'b'`)).toBe('host=b');
});
