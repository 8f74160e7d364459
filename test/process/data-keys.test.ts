import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster } from '../support/dev-cluster.ts';

const cluster = new DevCluster(21_000, '--metas', '1', '--data', '2');
const limitMs = 120_000;

beforeAll(
  () =>
    cluster.start({
      INFLUXDB_META_RETENTION_AUTOCREATE: 'false',
      INFLUXDB_META_LOGGING_ENABLED: 'false',
      INFLUXDB_DATA_VALIDATE_KEYS: 'true',
      INFLUXDB_DATA_SKIP_FIELD_SIZE_VALIDATION: 'true',
      INFLUXDB_DATA_STRICT_ERROR_HANDLING: 'true',
      INFLUXDB_DATA_WAL_FSYNC_DELAY: '20ms',
      INFLUXDB_DATA_MAX_CONCURRENT_DELETES: '2',
      INFLUXDB_CLUSTER_SHARD_READER_TIMEOUT: '30s',
      INFLUXDB_CLUSTER_DIAL_TIMEOUT: '2s',
      INFLUXDB_CLUSTER_CLUSTER_TRACING: 'true',
      INFLUXDB_DATA_TRACE_LOGGING_ENABLED: 'true',
      INFLUXDB_DATA_INGRESS_METRIC_BY_MEASUREMENT_ENABLED: 'true',
      INFLUXDB_DATA_INGRESS_METRIC_BY_LOGIN_ENABLED: 'true',
      INFLUXDB_HTTP_DEBUG_PPROF_ENABLED: 'true',
    }),
  limitMs,
);
afterAll(() => cluster.stop(), limitMs);

async function query(text: string): Promise<unknown> {
  const url = `${cluster.url('data', 1)}/query?db=d&epoch=ns&q=${encodeURIComponent(text)}`;
  const answer = (await (await fetch(url, { method: 'POST' })).json()) as { readonly results: readonly [{ readonly error?: string; readonly series?: readonly { readonly values?: unknown }[] }] }; // prettier-ignore
  const [{ error, series }] = answer.results;
  return error ?? series?.map(({ values }) => values);
}

async function write(lines: string | Uint8Array<ArrayBuffer>): Promise<string> {
  const url = `${cluster.url('data', 1)}/write?db=d`;
  const answer = await fetch(url, { method: 'POST', body: lines });
  const text = await answer.text();
  return text === '' ? `${answer.status}` : (JSON.parse(text) as { readonly error: string }).error;
}

/** The statistic of a node, by db, login, measurement and rp: pointsWritten, seriesCreated, valuesWritten; of database d alone. */
async function ingress(number: number): Promise<unknown> {
  const url = `${cluster.url('data', number)}/query?q=${encodeURIComponent("SHOW STATS FOR 'ingress'")}`;
  type Series = { readonly tags: Record<string, string>; readonly columns: string[]; readonly values: unknown[][] }; // prettier-ignore
  const answer = (await (await fetch(url)).json()) as { readonly results: readonly [{ readonly series?: readonly Series[] }] }; // prettier-ignore
  const [{ series = [] }] = answer.results;
  for (const { columns } of series) expect(columns).toEqual(['pointsWritten', 'seriesCreated', 'valuesWritten']); // prettier-ignore
  const told = series.filter(({ tags }) => tags['db'] === 'd');
  return Object.fromEntries(told.map(({ tags, values }) => [Object.keys(tags).sort().map((key) => tags[key]).join(' '), values[0]])); // prettier-ignore
}

/** Each as a real 1.12.4 answers with the same keys. */
test(
  'data keys: those that are set are in effect in a cluster',
  async () => {
    expect(await query('CREATE DATABASE d')).toBeUndefined();
    expect(await query('SHOW RETENTION POLICIES ON d')).toEqual([undefined]);
    expect(await write('m v=1 1')).toBe('retention policy not found: ');
    expect(await query('SELECT * FROM m')).toBe('default retention policy not set for: d');
    expect(await query('CREATE RETENTION POLICY r ON d DURATION INF REPLICATION 2 DEFAULT')).toBeUndefined(); // prettier-ignore
    expect(await write('m v=1 1\nm v=1e308 2\nm v=1 3')).toBe('204');
    const odd = Uint8Array.from(Buffer.from('m,t=a\xff\xfeb v=1 1\nm,t=ok v=1 1', 'latin1'));
    expect(await write(odd)).toBe('partial write: key contains invalid unicode: "m,t=a?b" dropped=1 for database: d for retention policy: r'); // prettier-ignore
    expect(await write(`long s="${'x'.repeat(3_000_000)}" 5`)).toBe('204');
    expect(await query('SELECT count(s) FROM long')).toEqual([[[0, 1]]]);
    expect(await query('SELECT v * 10 AS x INTO o FROM m')).toBe('+/-Inf is an unsupported value for field x'); // prettier-ignore
    expect(await query('SELECT v INTO o FROM m')).toEqual([[[0, 4]]]);
    expect(await ingress(2)).toEqual({
      'd _systemuser_selectinto o r': [4, 1, 4],
      'd _systemuser_unknown long r': [1, 1, 1],
      'd _systemuser_unknown m r': [4, 2, 4],
    });
    expect(await query('DROP MEASUREMENT m')).toBeUndefined();
    expect(await query('SELECT count(v) FROM m')).toBeUndefined();
    const [, log = ''] = /^data-2: .*log (\S+)$/m.exec(cluster.output) ?? [];
    const said = readFileSync(log, 'utf8');
    expect(said).toMatch(/msg="Cluster request" .*method=\/varve\.data\.v1\.Shards\/WriteShards/);
    expect(said).toMatch(/msg="Shard is open|msg="tsm1 WAL writing"/);
    const profiles = await fetch('http://localhost:6060/debug/pprof/goroutine?debug=1');
    expect([profiles.status, await profiles.text()]).toEqual([200, expect.stringMatching(/^goroutine profile: total/)]); // prettier-ignore
    expect((await fetch('http://localhost:6060/query')).status).toBe(404);
  },
  limitMs,
);
