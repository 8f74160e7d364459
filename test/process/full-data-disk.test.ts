/**
 * The disk of the points alone is full, the log is elsewhere: a small tmpfs under `[data] dir` of a real data node. Writes go on in
 * memory and log up to the bound of memory, then they fail with the reference's text; flushes, compactions and segments of the index
 * that find no room are done by themselves once there is some.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';
import { hasMount, SmallDisk } from '../support/small-disk.ts';

const limitMs = 180_000;
const metaPort = 23_300;
const dataPort = 23_400;
const api = `http://127.0.0.1:${dataPort + 86}`;
const workshop = new Workshop();
const disk = workshop.path('d-data');
const small = hasMount ? new SmallDisk(disk, 24) : undefined;

let config = '';
let data: LoneDaemon | undefined;

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
  const metaConfig = workshop.config({ port: metaPort, name: 'm' });
  config = workshop.config({ port: dataPort, name: 'd' });
  // Memory of a shard is full after some megabytes, and files come to be while a test waits.
  process.env['INFLUXDB_DATA_CACHE_MAX_MEMORY_SIZE'] = '8m';
  process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_MEMORY_SIZE'] = '1m';
  process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION'] = '1s';
  process.env['INFLUXDB_DATA_COMPACT_FULL_WRITE_COLD_DURATION'] = '1s';
  workshop.start('influxd-meta', '-config', metaConfig);
  await startData();
  const meta = `127.0.0.1:${metaPort + 91}`;
  await eventually(() => {
    const made = run('influxd-ctl', '-bind', meta, 'add-meta', meta);
    if (made.status !== 0) throw new Error(made.stdout + made.stderr);
    return Promise.resolve();
  }, 30_000);
  const added = run('influxd-ctl', '-bind', meta, 'add-data', `127.0.0.1:${dataPort + 88}`);
  expect(added.stdout + added.stderr).toContain('Added data node');
  await eventually(async () => {
    expect(await query('CREATE DATABASE d')).not.toContain('error');
  }, 30_000);
}, limitMs);

afterAll(async () => {
  small?.unmount();
  await workshop.close();
}, limitMs);

async function startData(): Promise<void> {
  data = workshop.start('influxd', '-config', config);
  await eventually(async () => {
    expect((await fetch(`${api}/ping`)).status).toBe(204);
  }, 60_000);
}

async function query(q: string): Promise<string> {
  const body = new URLSearchParams({ q, db: 'd', epoch: 'ns' });
  return (await fetch(`${api}/query`, { method: 'POST', body })).text();
}

async function write(lines: string): Promise<string> {
  const response = await fetch(`${api}/write?db=d`, { method: 'POST', body: lines });
  return response.status === 204 ? '' : `${response.status} ${(await response.text()).trim()}`;
}

/** Which of these times a measurement has no point of. */
async function lost(measurement: string, times: readonly number[]): Promise<readonly number[]> {
  const text = await query(`SELECT v FROM ${measurement}`);
  const answer = JSON.parse(text) as { readonly results: readonly { readonly error?: string; readonly series?: readonly { readonly values: readonly (readonly number[])[] }[] }[] }; // prettier-ignore
  const [result] = answer.results;
  if (result?.error !== undefined) throw new Error(result.error);
  const stored = new Set(result?.series?.flatMap(({ values }) => values.map(([time]) => time)));
  return times.filter((time) => !stored.has(time));
}

const isFull =
  /^500 \{"error":"write failed: engine: cache-max-memory-size exceeded: \(\d+\/8388608\)"\}$/;
/** What was refused waits in hinted handoff, and what comes after it gets behind it. */
const isQueued = /^500 \{"error":"write failed: hinted handoff queue not empty"\}$/;

test.runIf(hasMount)(
  'full data disk: writes go on to the bound of memory, then fail with the reference text; nothing is lost, and all is well once there is room',
  async () => {
    const taken: number[] = [];
    const refused = new Set<string>();
    const load = async (from: number, count: number): Promise<void> => {
      for (let time = from; time < from + count; time++) {
        // New series, so that flushes have an index to write, and texts that files do not pack.
        const text = await write(`full,t=${time % 50},u=${noise(time, 60)} v=${time},s="${noise(time, 16_000)}" ${time}`); // prettier-ignore
        if (text === '') taken.push(time);
        else refused.add(text);
      }
    };
    await load(1, 100);
    await eventually(() => {
      expect(tsmFiles().length).toBeGreaterThan(0);
      return Promise.resolve();
    }, 60_000);
    const ballast = `${disk}/ballast`;
    // To the last page.
    spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4k']);
    const before = taken.length;
    await load(1_000, 1_500);
    // What fits into memory was taken, with a disk that has no page left; then no more.
    expect(taken.length - before).toBeGreaterThan(200);
    expect(refused.size).toBeGreaterThan(0);
    expect([...refused][0]).toMatch(isFull);
    for (const text of refused) expect(isFull.test(text) || isQueued.test(text), text).toBe(true);
    expect(await lost('full', taken)).toEqual([]);
    await data?.says(/no space left on device/);
    // Nobody waits for room to learn what is there after a loss of power.
    data?.child.kill('SIGKILL');
    await data?.ended;
    await startData();
    expect(await lost('full', taken)).toEqual([]);
    rmSync(ballast);
    small?.empty(256);
    await eventually(async () => {
      expect(await write('full v=1 1000000')).toBe('');
    }, 60_000);
    taken.push(1_000_000);
    await load(3_000, 20);
    expect(await lost('full', taken)).toEqual([]);
    await eventually(() => {
      // No part of a file that did not come to be is left.
      expect(names().filter((name) => name.endsWith('.tmp'))).toEqual([]);
      expect(tsmFiles().length).toBeGreaterThan(0);
      return Promise.resolve();
    }, 60_000);
    data?.child.kill('SIGKILL');
    await data?.ended;
    await startData();
    expect(await lost('full', taken)).toEqual([]);
  },
  limitMs,
);

/** Letters by chance, the same for the same number. */
function noise(seed: number, count: number): string {
  let state = seed * 2_654_435_761 + 1;
  let text = '';
  while (text.length < count) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    text += state.toString(36);
  }
  return text.slice(0, count);
}

function names(): readonly string[] {
  return readdirSync(disk, { recursive: true }).map(String);
}

function tsmFiles(): readonly string[] {
  return names().filter((name) => name.endsWith('.tsm'));
}
