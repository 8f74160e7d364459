/** From a real influxd into a cluster of ours and back, with the same answers on each side. */
import { spawnSync } from 'node:child_process';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';
import { ReferenceServer } from '../support/reference-server.ts';

const limitMs = 120_000;
/** Another release than the installed one: `VARVE_INFLUXD=/path/to/influxd`. */
const program = process.env['VARVE_INFLUXD'] ?? 'influxd';
const hasReference = spawnSync(program, ['version']).status === 0;
const hasShell = spawnSync('influx', ['-version']).status === 0;
if (!hasReference || !hasShell)
  process.stdout.write('no influxd and influx shell (Debian: influxdb, influxdb-client): the tests of coming from InfluxDB and going back are skipped\n'); // prettier-ignore

const [metaPort, dataPort] = [22_000, 22_200];
const metaAddress = `127.0.0.1:${metaPort + 91}`;
const dataUrl = `http://127.0.0.1:${dataPort + 86}`;
const workshop = new Workshop();
let config = '';

const start = 1_600_000_000_000_000_000n;
const lines = (from: number, to: number): string =>
  Array.from({ length: to - from }, (_, k) => {
    const i = from + k;
    const time = start + BigInt(i) * 3_600_000_000_000n;
    return `cpu,host=h${i % 3},t=a\\ b f=${i / 8},i=${(i * 7919) % 1000}i,b=${i % 2 === 0},s="v \\"${i}\\" é" ${time}`;
  }).join('\n');
/** Release 1.6 does not open a shard again that has a measurement or a field of such a name: there only tags have. */
const [e, grave] = /v1\.6\./.test(spawnSync(program, ['version'], { encoding: 'utf8' }).stdout) ? ['y', 'x'] : ['\xe9', '\xe8']; // prettier-ignore
/** In Latin-1: names and values that are no UTF-8, two of which differ in one byte. */
const oddLines = (from: number, to: number): Buffer =>
  Buffer.from(
    Array.from({ length: to - from }, (_, k) => `odd${e},h\xe4=caf\xe9 f${e}=${from + k},s="\xff" ${start + BigInt(from + k)}\nodd${e},h\xe4=caf\xe8 f${grave}=${k} ${start}`).join('\n'), // prettier-ignore
    'latin1',
  );
const oddSelects = ['SELECT * FROM /odd/ GROUP BY *', 'SHOW TAG VALUES FROM /odd/ WITH KEY =~ /./', 'SHOW FIELD KEYS FROM /odd/']; // prettier-ignore
const selects = [
  'SELECT * FROM cpu GROUP BY host',
  'SELECT count(f), sum(i), mean(f), last(s) FROM cpu GROUP BY host',
  'SELECT * FROM fresh',
  'SHOW SERIES',
  'SHOW FIELD KEYS',
  'SHOW CONTINUOUS QUERIES',
];

async function answersAt(url: string): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const q of selects) {
    const parameters = new URLSearchParams({ q, db: 'd', epoch: 'ns' });
    answers.push((await (await fetch(`${url}/query?${parameters.toString()}`)).text()).trim());
  }
  // CSV has the bytes that JSON replaces.
  for (const q of oddSelects) {
    const parameters = new URLSearchParams({ q, db: 'd', epoch: 'ns' });
    const headers = { Accept: 'application/csv' };
    const answer = await fetch(`${url}/query?${parameters.toString()}`, { headers });
    answers.unshift(Buffer.from(await answer.arrayBuffer()).toString('latin1'));
  }
  return answers;
}

/** Throws while a shard has points that are in no file of its, or are on the way to one. */
async function isInFiles(reference: ReferenceServer): Promise<void> {
  const [caches, files] = [await statsOf(reference, 'tsm1_cache'), await statsOf(reference, 'tsm1_filestore')]; // prettier-ignore
  const isBusy = caches.some(({ memBytes, diskBytes }) => memBytes !== 0 || diskBytes !== 0);
  if (caches.length === 0 || isBusy || files.some(({ numFiles }) => numFiles === 0))
    throw new Error('not all is in files yet');
}

/** Of each shard of the database. */
async function statsOf(
  reference: ReferenceServer,
  name: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const text = await reference.query({ q: `SHOW STATS FOR '${name}'` });
  interface Stats { readonly tags: Readonly<Record<string, string>>; readonly columns: readonly string[]; readonly values: readonly [readonly unknown[]] } // prettier-ignore
  const { results } = JSON.parse(text) as { readonly results: readonly { readonly series?: readonly Stats[] }[] }; // prettier-ignore
  return (results[0]?.series ?? [])
    .filter(({ tags }) => tags['database'] === 'd')
    .map(({ columns, values }) => Object.fromEntries(columns.map((column, i) => [column, values[0][i]]))); // prettier-ignore
}

async function startData(): Promise<LoneDaemon> {
  const data = workshop.start('influxd', '-config', config);
  await data.says(/Listening on HTTP/);
  return data;
}

async function stop(daemon: LoneDaemon): Promise<void> {
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
}

beforeAll(async () => {
  if (!hasReference) return;
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
  config = workshop.config({ port: dataPort, name: 'd' });
  workshop.start('influxd-meta', '-config', workshop.config({ port: metaPort, name: 'm' }));
  await eventually(() => {
    const made = run('influxd-ctl', '-bind', metaAddress, 'add-meta', metaAddress);
    if (made.status !== 0) throw new Error(made.stdout + made.stderr);
    return Promise.resolve();
  }, 30_000);
}, limitMs);

afterAll(() => workshop.close(), limitMs);

test.runIf(hasReference && hasShell)(
  'a real influxd stopped, imported, added as the first data node, and exported again: the same answers',
  async () => {
    const old = workshop.path('old');
    const reference = await ReferenceServer.start(program, '  cache-snapshot-write-cold-duration = "1s"'); // prettier-ignore
    let wanted: readonly string[] = [];
    try {
      await reference.query({ q: 'CREATE DATABASE d' });
      await reference.query({ q: 'CREATE RETENTION POLICY other ON d DURATION INF REPLICATION 1' });
      await reference.query({ q: `CREATE USER u WITH PASSWORD 'x'` });
      await reference.query({ db: 'd', q: 'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(f) INTO d.other.m FROM cpu GROUP BY time(1h) END' }); // prettier-ignore
      await reference.write('d', lines(0, 600));
      await reference.write('d', oddLines(0, 3));
      // A delete of what influxd is putting into a file at that moment is forgotten by it: nothing may be under way.
      await eventually(() => isInFiles(reference), 30_000);
      await reference.query({ db: 'd', q: `DELETE FROM cpu WHERE host = 'h1' AND time < ${start + 36_000_000_000_000n}` }); // prettier-ignore
      await reference.write('d', `${lines(590, 610)}\nfresh v=1 ${start}`);
      await reference.write('d', oddLines(3, 5));
      wanted = await answersAt(reference.url);
      await reference.restart((stopped) => {
        cpSync(stopped, old, { recursive: true });
      });
    } finally {
      await reference.stop();
    }
    const imported = run('influxd', 'import-oss', '-config', config, '-from', old);
    expect(imported.stdout + imported.stderr).toMatch(/Imported 1 database with \d+ shards/);
    const data = await startData();
    const added = run('influxd-ctl', '-bind', metaAddress, 'add-data', `127.0.0.1:${dataPort + 88}`); // prettier-ignore
    expect(added.stdout + added.stderr).toContain('Added data node');
    expect(await answersAt(dataUrl)).toEqual(wanted);
    const users = await (await fetch(`${dataUrl}/query?q=SHOW+USERS`)).text();
    expect(users).toContain('["u",false]');
    // Goes on as any database of ours.
    const written = await fetch(`${dataUrl}/write?db=d`, { method: 'POST', body: `${lines(605, 620)}\nfresh v=2 ${start + 1n}` }); // prettier-ignore
    expect(written.status).toBe(204);
    const odd = await fetch(`${dataUrl}/write?db=d`, { method: 'POST', body: new Uint8Array(oddLines(4, 7)) }); // prettier-ignore
    expect(odd.status).toBe(204);
    const grown = await answersAt(dataUrl);
    expect(grown).not.toEqual(wanted);
    const shown = grown.slice(0, 3).join('');
    for (const part of [`,f${e},float\n`, `,f${grave},float\n`, ',h\xe4,caf\xe8\n', ',h\xe4,caf\xe9\n', ',h\xe4=caf\xe9,', ',6,\xff\n', ',h\xe4=caf\xe8,'])
      expect(shown).toContain(part); // prettier-ignore
    await stop(data);

    const back = workshop.path('back');
    const exported = run('influxd', 'export-oss', '-config', config, '-out', back);
    expect(exported.stdout + exported.stderr).toMatch(/^Exported \d+ shards to /);
    await expectBack(back, grown);
    await expectLines(grown);
    const again = await startData();
    expect(await answersAt(dataUrl)).toEqual(grown);
    await stop(again);
  },
  limitMs,
);

/** The folders that were written are those of an InfluxDB. */
async function expectBack(back: string, wanted: readonly string[]): Promise<void> {
  const server = await ReferenceServer.start(program);
  try {
    await server.restart((folder) => {
      for (const name of ['data', 'wal', 'meta']) {
        rmSync(`${folder}/${name}`, { recursive: true, force: true });
        cpSync(`${back}/${name}`, `${folder}/${name}`, { recursive: true });
      }
    });
    expect(await answersAt(server.url)).toEqual(wanted);
  } finally {
    await server.stop();
  }
}

/** The line protocol of influx_inspect is what `influx -import` reads. */
async function expectLines(wanted: readonly string[]): Promise<void> {
  const path = workshop.path('lines.gz');
  const [dataDir, walDir] = [workshop.path('d-data'), workshop.path('d-wal')];
  const made = run('influx_inspect', 'export', '-datadir', dataDir, '-waldir', walDir, '-compress', '-out', path); // prettier-ignore
  expect(made.stderr).toBe('');
  expect(made.status).toBe(0);
  expect(readFileSync(path).subarray(0, 2)).toEqual(Buffer.from([0x1f, 0x8b]));
  const server = await ReferenceServer.start(program);
  try {
    const { hostname, port } = new URL(server.url);
    const read = spawnSync('influx', ['-host', hostname, '-port', port, '-import', '-compressed', '-path', path], { encoding: 'utf8' }); // prettier-ignore
    expect(read.stdout + read.stderr).toContain('Failed 0 inserts');
    // Lines have no continuous queries.
    expect((await answersAt(server.url)).slice(0, -1)).toEqual(wanted.slice(0, -1));
  } finally {
    await server.stop();
  }
}
