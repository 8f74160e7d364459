import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(17_600, '--metas', '1', '--data', '2');
const limitMs = 120_000;

beforeAll(
  () =>
    cluster.start({
      INFLUXDB_MONITOR_STORE_ENABLED: 'true',
      INFLUXDB_MONITOR_STORE_INTERVAL: '1s',
      INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
      INFLUXDB_HTTP_USER_QUERY_BYTES_ENABLED: 'true',
      INFLUXDB_CONTINUOUS_QUERIES_QUERY_STATS_ENABLED: 'true',
    }),
  limitMs,
);
afterAll(() => cluster.stop(), limitMs);

interface Recorded {
  readonly tags: readonly string[];
  readonly fields: readonly string[];
}
/** Each statistic of the spec (1.11) but those of listeners that are not built. */
const ofSpec = JSON.parse(
  readFileSync(new URL('testdata/statistics-of-the-spec.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>;
/** What SHOW STATS of a real 1.12.4 has with a database, a continuous query and a subscription, by statistic. */
const recorded = JSON.parse(
  readFileSync(new URL('testdata/stats-1.12.4.json', import.meta.url), 'utf8'),
) as Record<string, Recorded>;

const anyCount = expect.toSatisfy(
  (value) => Number.isInteger(value) && value >= 0,
  'a count',
) as number;

test(
  'numbers: the same in SHOW STATS, /debug/vars, /metrics and _internal',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    const select = 'SELECT count(f) AS n INTO o FROM m GROUP BY time(1s)';
    await cluster.query(1, `CREATE CONTINUOUS QUERY c ON d BEGIN ${select} END`);
    await cluster.query(
      1,
      "CREATE SUBSCRIPTION s ON d.autogen DESTINATIONS ALL 'udp://127.0.0.1:9'",
    );
    expect(await cluster.write(1, 'm f=1 1\nm,a=b f=2 2', 'all')).toBe('204');
    // A node hears of a subscription by itself.
    await eventually(async () => {
      expect(await cluster.query(1, 'SHOW STATS')).toContain('"destination"');
    }, 20_000);
    const { results } = JSON.parse(await cluster.query(1, 'SHOW STATS')) as {
      results: { series: { name: string; tags?: object; columns: string[] }[] }[];
    };
    const shown = (wanted: string): Recorded => {
      const all = (results[0]?.series ?? []).filter(({ name }) => name === wanted);
      const tags = new Set(all.flatMap((one) => Object.keys(one.tags ?? {})));
      return { tags: [...tags].sort(), fields: all.flatMap(({ columns }) => columns) };
    };
    // In a statement of its own only, as in 1.12.4.
    expect(shown('indexes').fields).toEqual([]);
    const indexes = await cluster.query(1, "SHOW STATS FOR 'indexes'");
    expect(indexes).toMatch(
      /"name":"indexes","columns":\["memoryBytes"\],"values":\[\[[1-9]\d+\]\]/,
    );
    for (const [name, { tags, fields }] of Object.entries(recorded)) {
      const own = shown(name);
      expect([name, own.tags]).toEqual([name, tags]);
      expect([name, fields.filter((field) => !own.fields.includes(field))]).toEqual([name, []]);
    }
    // Those that only a cluster has.
    expect(shown('rpc').fields).toContain('rpcCalls');
    expect(shown('cluster').fields).toContain('writeShardReq');
    expect(shown('userquerybytes')).toEqual({
      tags: ['bind', 'user'],
      fields: ['userQueryRespBytes'],
    });
    const vars = (await (await fetch(`${cluster.url('data', 1)}/debug/vars`)).json()) as Record<
      string,
      { values?: Record<string, number>; queryOk?: number }
    >;
    expect(vars['write']?.values?.['pointReqRemote']).toBeGreaterThan(1);
    expect(vars['cq']).toHaveProperty('queryOk');
    // What Telegraf makes influxdb_memstats of, and how the reference writes no tags.
    expect(vars['memstats']).toMatchObject({ HeapAlloc: anyCount, NumGC: anyCount, PauseTotalNs: anyCount, LastGC: anyCount }); // prettier-ignore
    expect([vars['runtime'], vars['write']]).toMatchObject([{ tags: {} }, { tags: null }]);
    expect(Object.keys(vars)).toEqual(
      expect.arrayContaining([
        'system',
        'build',
        'cmdline',
        'crypto',
        'memstats',
        'entitlements',
        'config',
        'stats',
        'database:d',
        'runtime',
      ]),
    );
    const shard = Object.values(vars).find(
      (one) =>
        (one as { name?: string; tags?: { database?: string } }).name === 'shard' &&
        (one as { tags: { database: string } }).tags.database === 'd',
    );
    expect(shard?.values).toMatchObject({ writePointsOk: 2, writeReqOk: 1, seriesCreate: 2 });
    const metrics = await fetch(`${cluster.url('data', 1)}/metrics`);
    expect(metrics.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    // It is asked for by fetch, as by Prometheus.
    expect(metrics.headers.get('content-encoding')).toBe('gzip');
    expect(await metrics.text()).toMatch(/^influxdb_write_req \d+$/m);
    // Both nodes store theirs.
    const stored = async (query: string) => {
      const text = await cluster.query(2, query, '_internal');
      if (!text.includes('values')) throw new Error(text);
      return text;
    };
    await eventually(
      () => stored("SELECT last(req) FROM httpd WHERE bind = '127.0.0.1:25686'"),
      30_000,
    );
    await eventually(
      () => stored("SELECT last(req) FROM httpd WHERE bind = '127.0.0.1:25786'"),
      30_000,
    );
    await eventually(
      () => stored('SELECT last(writePointsOk) FROM "shard" WHERE "database" = \'d\''),
      30_000,
    );
    expect(await cluster.values(1, 'SHOW RETENTION POLICIES ON _internal')).toEqual([
      ['monitor', '168h0m0s', '24h0m0s', 1, '0s', '0s', true],
    ]);
    // What a continuous query did, once one has run.
    await eventually(async () => {
      await cluster.write(1, 'm f=1', 'all');
      await stored(
        'SELECT pointsWrittenOK, durationNs, startTime, endTime, cq, db FROM cq_query WHERE pointsWrittenOK = 1',
      );
    }, 30_000);
  },
  limitMs,
);

/** What `SHOW STATS` of a node has: tags and fields by statistic. */
async function shownStatistics(number: number): Promise<ReadonlyMap<string, Recorded>> {
  const { results } = JSON.parse(await cluster.query(number, 'SHOW STATS')) as {
    results: { series: { name: string; tags?: object; columns: string[] }[] }[];
  };
  const shown = new Map<string, Recorded>();
  for (const { name, tags = {}, columns } of results[0]?.series ?? []) {
    const known = shown.get(name) ?? { tags: [], fields: [] };
    shown.set(name, { tags: [...known.tags, ...Object.keys(tags)], fields: [...known.fields, ...columns] }); // prettier-ignore
  }
  return shown;
}

/** What Prometheus' own tool has against an exposition; '' where it is not installed. */
function linted(metrics: string): string {
  const { error, status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' }); // prettier-ignore
  if (error !== undefined || status === 0) return '';
  return `${stdout}${stderr}`;
}

test(
  'numbers: every statistic and field of the spec is in SHOW STATS, /debug/vars, /metrics and _internal',
  async () => {
    // Copies that wait for a node, so that hinted handoff has its numbers; they stay when it is back.
    await cluster.kill('data-2');
    expect(await cluster.write(1, 'm f=4 4', 'any')).toBe('204');
    await eventually(async () => {
      expect((await shownStatistics(1)).get('hh_processor')).toBeDefined();
    }, 30_000);
    cluster.startByHand('data-2');
    const shown = await shownStatistics(1);
    const url = cluster.url('data', 1);
    type Vars = Record<string, { name?: string; values?: object }>;
    const vars = Object.entries((await (await fetch(`${url}/debug/vars`)).json()) as Vars);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(linted(metrics)).toBe('');
    // Kept by the monitor alone, when a query has run.
    const { cq_query: ofRuns, ...counted } = ofSpec;
    const missing: string[] = [];
    for (const [name, { tags, fields }] of Object.entries(counted)) {
      const own = shown.get(name);
      for (const tag of tags) if (own?.tags.includes(tag) !== true) missing.push(`tag ${name}.${tag}`); // prettier-ignore
      const inVars = vars.filter(([key, value]) => (value.name ?? key) === name);
      for (const field of fields) {
        if (own?.fields.includes(field) !== true) missing.push(`SHOW STATS: ${name}.${field}`);
        const isThere = inVars.some(([, value]) => field in (value.values ?? value));
        if (!isThere) missing.push(`/debug/vars: ${name}.${field}`);
        if (!metrics.includes(` ${field} of ${name}, as SHOW STATS has it.\n# TYPE`)) missing.push(`/metrics: ${name}.${field}`); // prettier-ignore
      }
    }
    expect(missing).toEqual([]);
    await eventually(async () => {
      const lost: string[] = [];
      for (const [name, { fields }] of Object.entries({
        ...counted,
        cq_query: ofRuns ?? { tags: [], fields: [] },
      })) {
        const keys = await cluster.query(1, `SHOW FIELD KEYS FROM "${name}"`, '_internal');
        for (const field of fields) if (!keys.includes(`"${field}"`)) lost.push(`${name}.${field}`);
      }
      expect(lost).toEqual([]);
    }, 60_000);
    // Until it has what waited for it data-2 takes nothing else.
    await eventually(async () => {
      expect(await cluster.write(1, 'm f=5 5', 'all')).toBe('204');
    }, 30_000);
  },
  limitMs,
);

test(
  'numbers: points and their values are counted where they come in and where they go',
  async () => {
    const read = async () => {
      const vars = (await (await fetch(`${cluster.url('data', 1)}/debug/vars`)).json()) as Record<
        string,
        { name?: string; values?: Record<string, number> }
      >;
      const of = (name: string) => Object.values(vars).find((one) => one.name === name)?.values ?? {}; // prettier-ignore
      return [of('write'), of('httpd')];
    };
    const before = await read();
    expect(await cluster.write(1, 'n a=1,b=2,c="x" 1\nn a=2 2', 'all')).toBe('204');
    const after = await read();
    // The monitor writes too, which httpd does not see.
    const gained = (i: number, name: string) => (after[i]?.[name] ?? 0) - (before[i]?.[name] ?? 0);
    expect([gained(1, 'pointsWrittenOK'), gained(1, 'valuesWrittenOK')]).toEqual([2, 4]);
    expect(gained(0, 'valuesWrittenOK')).toBeGreaterThanOrEqual(4);
    expect(gained(0, 'subWriteDrop')).toBe(0);
  },
  limitMs,
);
