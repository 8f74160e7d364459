import { expect, test } from 'vitest';
import { printPrometheus } from './prometheus.ts';
import { byVarsKey, Statistics } from './statistics.ts';

const of = (name: string, tags: Readonly<Record<string, string>>, value = 1) => ({
  name,
  tags,
  values: { value },
});

test('statistics: sources answer at once or later; sorted by name, in their order within one', async () => {
  const statistics = new Statistics();
  statistics.add(() => Promise.resolve([of('b', { database: 'x' }), of('b', { database: 'a' })]));
  statistics.add(() => [of('a', {})]);
  expect((await statistics.read()).map(({ name, tags }) => [name, tags['database']])).toEqual([
    ['a', undefined],
    ['b', 'x'],
    ['b', 'a'],
  ]);
});

test('statistics: keys of /debug/vars are those of a real 1.12.4', () => {
  const keys = byVarsKey([
    of('write', {}),
    of('httpd', { bind: ':8086' }),
    of('udp', { bind: ':1', proto: 'tcp' }),
    of('database', { database: 'db' }),
    of('shard', { database: 'db', engine: 'tsm1', id: '3', path: '/d/3' }),
    of('hh', { path: '/hh' }),
    of('subscriber', {
      database: 'db',
      destination: 'udp://h:1',
      mode: 'ALL',
      name: 's',
      retention_policy: 'rp',
    }),
    of('hh_node', { node: '4' }),
    of('hh_node', { node: '5' }),
  ]);
  expect([...keys.keys()]).toEqual([
    'write',
    'httpd::8086',
    'udp:tcp::1',
    'database:db',
    'shard:/d/3:3',
    'hh:/hh',
    'subscriber:db:rp:s:udp://h:1',
    'hh_node',
    'hh_node:1',
  ]);
});

test('prometheus: each metric once with its type, labels escaped', () => {
  const text = printPrometheus([
    of('write', {}, 2),
    of('shard', { retentionPolicy: 'a"\\\n' }, 1.5),
    of('shard', { retentionPolicy: 'b' }, 0),
  ]);
  expect(text).toBe(
    '# HELP influxdb_write_value value of write, as SHOW STATS has it.\n' +
      '# TYPE influxdb_write_value untyped\ninfluxdb_write_value 2\n' +
      '# HELP influxdb_shard_value value of shard, as SHOW STATS has it.\n' +
      '# TYPE influxdb_shard_value untyped\ninfluxdb_shard_value{retention_policy="a\\"\\\\\\n"} 1.5\ninfluxdb_shard_value{retention_policy="b"} 0\n',
  );
});

test.each([
  ['queryExecutor', 'queryDurationNs', 'influxdb_query_executor_query_duration_seconds 0.0025'],
  ['tsm1_cache', 'cacheAgeMs', 'influxdb_tsm1_cache_cache_age_seconds 2500'],
  ['tsm1_cache', 'WALCompactionTimeMs', 'influxdb_tsm1_cache_wal_compaction_time_seconds 2500'],
  ['runtime', 'NumGC', 'influxdb_runtime_num_gc 2500000'],
  ['hh_processor', 'writeShardReq', 'influxdb_hh_processor_write_shard_req 2500000'],
  ['compaction', 'compact-throughput', 'influxdb_compaction_compact_throughput 2500000'],
])('prometheus: %s %s has a name and a unit that its linter takes', (name, field, line) => {
  const text = printPrometheus([{ name, tags: {}, values: { [field]: 2_500_000 } }]);
  expect(text.split('\n')[2]).toBe(line);
});
