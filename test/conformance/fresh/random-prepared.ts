import type { SentStep } from '../send-step.ts';
import type { RandomChoice } from './random-choice.ts';

/** Places where a statement may have a value, and where it may not. */
const texts = [
  'SELECT usage FROM cpu WHERE n > $p LIMIT 2', 'SELECT usage FROM cpu WHERE usage = $p', 'SELECT usage FROM cpu WHERE host = $p', 'SELECT usage FROM cpu WHERE host =~ $p',
  'SELECT usage FROM cpu WHERE host !~ $p', 'SELECT count(usage) FROM cpu WHERE ok = $p', 'SELECT count(usage) FROM cpu WHERE msg = $p', 'SELECT count(usage) FROM cpu WHERE time > $p',
  'SELECT count(usage) FROM cpu WHERE time > $p AND time < $q', 'SELECT count(usage) FROM cpu WHERE time > $q - $p', 'SELECT count(usage) FROM cpu WHERE $p', 'SELECT count(usage) FROM cpu WHERE $p < n',
  'SELECT usage + $p FROM cpu LIMIT 2', 'SELECT $p FROM cpu', 'SELECT mean($p) FROM cpu', 'SELECT percentile(usage, $p) FROM cpu', 'SELECT top(usage, $p) FROM cpu', 'SELECT top(n, $q, $p) FROM cpu',
  'SELECT derivative(mean(usage), $p) FROM cpu WHERE time >= 946684800s AND time < 946688400s GROUP BY time(10m)', 'SELECT moving_average(usage, $p) FROM cpu LIMIT 2',
  "SELECT mean(usage) FROM cpu WHERE time >= '2000-01-01' AND time < '2000-01-01T01:00:00Z' GROUP BY time($p)", "SELECT mean(usage) FROM cpu WHERE time >= '2000-01-01' AND time < '2000-01-01T01:00:00Z' GROUP BY time(20m, $p)",
  "SELECT mean(usage) FROM cpu WHERE time >= '2000-01-01' AND time < '2000-01-01T01:00:00Z' GROUP BY time(20m) fill($p)", 'SELECT usage FROM cpu GROUP BY $p LIMIT 1', 'SELECT usage FROM $p LIMIT 2', 'SELECT usage FROM fresh.$p.cpu LIMIT 2',
  'SELECT usage FROM $p.autogen.cpu LIMIT 2', 'SELECT usage FROM cpu LIMIT $p', 'SELECT usage FROM cpu LIMIT 5 OFFSET $p', 'SELECT usage FROM cpu GROUP BY * SLIMIT $p', 'SELECT usage AS $p FROM cpu LIMIT 1', "SELECT usage FROM cpu LIMIT 1 tz($p)",
  'SELECT usage FROM cpu ORDER BY $p LIMIT 1', 'SELECT abs(usage - $p) FROM cpu LIMIT 2', 'SELECT usage::$p FROM cpu LIMIT 1', 'SELECT distinct($p) FROM cpu', 'SELECT /$p/ FROM cpu LIMIT 1', "SELECT usage FROM cpu WHERE host = '$p'",
  'SELECT usage FROM cpu WHERE "host" = "$p" LIMIT 1', 'SELECT -$p FROM cpu', 'SELECT usage FROM cpu WHERE n > -$p LIMIT 1', 'SELECT usage FROM cpu WHERE n > $p AND n < $p + 20 LIMIT 2', 'SELECT usage FROM cpu WHERE n > $ p', 'SELECT usage FROM cpu WHERE n > $',
  'SELECT usage FROM cpu WHERE n > $"p" LIMIT 2', "SELECT usage FROM cpu WHERE n > $'p' LIMIT 2", 'SELECT usage FROM cpu WHERE n > $P LIMIT 2', 'SELECT usage FROM cpu WHERE n > $nosuch LIMIT 2', 'SELECT usage FROM cpu WHERE n > $1 LIMIT 2', 'SELECT usage FROM cpu WHERE n > $é LIMIT 2', 'SELECT usage FROM cpu WHERE n > $"a b" LIMIT 2', 'SELECT usage FROM cpu WHERE n > $select LIMIT 2',
  'SHOW TAG VALUES FROM cpu WITH KEY = $p', 'SHOW TAG VALUES FROM cpu WITH KEY IN ($p, host)', 'SHOW TAG VALUES FROM cpu WITH KEY =~ $p', 'SHOW TAG VALUES FROM cpu WITH KEY = host WHERE host = $p', 'SHOW SERIES FROM $p', 'SHOW MEASUREMENTS WITH MEASUREMENT = $p', 'SHOW MEASUREMENTS WITH MEASUREMENT =~ $p', 'SHOW FIELD KEYS ON $p', 'SHOW TAG KEYS LIMIT $p', 'SHOW RETENTION POLICIES ON $p', 'SHOW GRANTS FOR $p',
  'SELECT usage FROM (SELECT usage, n FROM cpu WHERE n > $p) WHERE usage > $q LIMIT 2', 'SELECT usage FROM cpu WHERE host =~ $p AND n > $q LIMIT 2', 'SELECT mean(usage) FROM $p WHERE time > $q', 'EXPLAIN SELECT usage FROM cpu WHERE n > $p', 'SELECT usage FROM cpu WHERE host = $p OR host = $q LIMIT 3; SELECT n FROM $p',
]; // prettier-ignore

/** Each as JSON: of every type that it has, and the objects that name another. */
const values = [
  '3', '-3', '0', '3.5', '-0.0', '1e2', '1e400', '9223372036854775807', '9223372036854775808', '-9223372036854775809', '18446744073709551616', '946684800000000000', '"a"', '"b"', '""', '"2000-01-01"', '"2000-01-01T00:30:00Z"', '"cpu"', '"usage"', '"host"', '"10m"', '"x\'y\\"z\\\\"', '"é\\t"', 'true', 'false',
  'null', '[]', '[1]', '["a","b"]', '{}', '{"duration":"10m"}', '{"duration":"1h30m"}', '{"duration":"-5m"}', '{"duration":"x"}', '{"duration":600000000000}', '{"duration":1.5}', '{"duration":null}', '{"regex":"^(a|b)$"}', '{"regex":"c"}', '{"regex":"("}', '{"regex":5}', '{"regex":""}', '{"regex":"a/b"}', '{"identifier":"usage"}', '{"identifier":"cpu"}', '{"identifier":"host"}', '{"identifier":"a b"}', '{"identifier":5}', '{"identifier":""}',
  '{"string":"a"}', '{"string":5}', '{"integer":3}', '{"integer":"3"}', '{"integer":3.5}', '{"integer":1e3}', '{"integer":true}', '{"float":3}', '{"float":2.5}', '{"float":"2.5"}', '{"boolean":true}', '{"boolean":"true"}', '{"unsigned":3}', '{"time":"2000-01-01"}', '{"nosuch":1}', '{"Duration":"10m"}', '{"duration":"10m","string":"a"}', '{"identifier":"fresh"}', '{"string":"2000-01-01T00:10:00Z"}', '{"duration":{"duration":"1h"}}',
]; // prettier-ignore

const spoiled = ['', '{', '{}', '[]', 'null', '5', '"p"', '{"p":1,}', '{"p":1}}', '{"p":1} {"q":2}', '{p:1}', "{'p':1}", '{"p":01}', '{"p":+1}', '{"p":.5}', '{"p":NaN}', '{"p":1,"p":2}', '{"$p":1}', '{"":1}', ' {"p" : 1 } ', '{"p":1}x', '{"p":"\n"}', '{"p":tru}', '\ufeff{"p":1}', '{"p":"\\ud800"}', '{"p":"\\x"}']; // prettier-ignore

/** A statement with values of every type for its parameters. */
export function preparedStep(random: RandomChoice): SentStep {
  const names = random.of([['p', 'q'], ['p', 'q'], ['p', 'q', 'a b', 'select', 'é', '1'], ['p'], ['P', 'q']]); // prettier-ignore
  const bound = random.chance(0.08)
    ? random.of(spoiled)
    : `{${names.map((name) => `${JSON.stringify(name)}:${random.of(values)}`).join(',')}}`;
  const params: Record<string, string> = { db: 'fresh', epoch: 'ns', q: random.of(texts) };
  if (random.chance(0.97)) params['params'] = bound;
  return { method: random.of(['GET', 'POST']), path: '/query', params, headers: {} };
}
