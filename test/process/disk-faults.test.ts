/** Real disks that are full or fail, under a real data node: a small tmpfs, and system calls that strace makes fail. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';
import { hasMount, SmallDisk } from '../support/small-disk.ts';

const limitMs = 180_000;
const metaPort = 23_000;
const dataPort = 23_100;
const api = `http://127.0.0.1:${dataPort + 86}`;
const workshop = new Workshop();
const hasStrace = spawnSync('strace', ['-e', 'trace=none', 'true']).status === 0;
if (!hasStrace) process.stdout.write('no strace that may trace: the tests of failing system calls are skipped\n'); // prettier-ignore

// So that files come to be while a test waits.
process.env['INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION'] = '1s';
let config = '';
let data: LoneDaemon | undefined;
let small: SmallDisk | undefined;

/** What a test before has written takes more in files, with its index, than the small disk has. */
function enlargeDisk(): void {
  small?.empty(256);
}

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2');
  if (hasMount) small = new SmallDisk(workshop.path('disk'), 48);
  for (const part of ['data', 'wal']) {
    mkdirSync(workshop.path(`disk/${part}`), { recursive: true });
    symlinkSync(workshop.path(`disk/${part}`), workshop.path(`d-${part}`));
  }
  const metaConfig = workshop.config({ port: metaPort, name: 'm' });
  config = workshop.config({ port: dataPort, name: 'd' });
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
  await workshopClosed();
}, limitMs);

async function workshopClosed(): Promise<void> {
  small?.unmount();
  await workshop.close();
}

async function startData(): Promise<void> {
  data = workshop.start('influxd', '-config', config);
  await answers();
}

const answers = () =>
  eventually(async () => {
    expect((await fetch(`${api}/ping`)).status).toBe(204);
  }, 60_000);

async function restartData(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
  data?.child.kill(signal);
  await data?.ended;
  await startData();
}

async function query(q: string): Promise<string> {
  const response = await fetch(`${api}/query`, {
    method: 'POST',
    body: new URLSearchParams({ q, db: 'd', epoch: 'ns' }),
  });
  return response.text();
}

async function write(lines: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(`${api}/write?db=d`, { method: 'POST', body: lines });
  return { status: response.status, text: await response.text() };
}

/** Times of the points of a measurement. */
async function timesOf(measurement: string): Promise<ReadonlySet<unknown>> {
  const answer = JSON.parse(await query(`SELECT v FROM ${measurement}`)) as {
    readonly results: readonly { readonly error?: string; readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[] }[]; // prettier-ignore
  };
  const [result] = answer.results;
  if (result?.error !== undefined) throw new Error(result.error);
  return new Set(result?.series?.[0]?.values.map(([time]) => time));
}

/** strace on the data node, with these calls failing; ended, the node is as it was. */
async function withFault(inject: readonly string[], body: () => Promise<void>): Promise<void> {
  const pid = data?.child.pid ?? 0;
  const tracer = spawn('strace', ['-f', '-o', '/dev/null', '-p', `${pid}`, ...inject]);
  try {
    await said(tracer, /attached/);
    await body();
  } finally {
    const hasEnded = tracer.exitCode !== null || tracer.signalCode !== null;
    const ended = new Promise((resolve) => tracer.once('exit', resolve));
    if (tracer.kill('SIGINT') && !hasEnded) await ended;
  }
}

function said(child: ChildProcess, pattern: RegExp): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    child.once('exit', () => {
      reject(new Error(`strace ended: ${text}`));
    });
    child.stderr?.on('data', (part: Buffer) => {
      text += part.toString();
      if (pattern.test(text)) resolve();
    });
  });
}

/** By when a node whose disk is well again takes writes: what waits in hinted handoff goes first. */
const recoveryMsMax = 60_000;

/** What was refused waits in hinted handoff, and what comes after it gets behind it. */
function isBehindQueue(text: string): boolean {
  return text === '500 {"error":"write failed: hinted handoff queue not empty"}';
}

test.runIf(hasMount)(
  'disk faults: on a full disk writes fail with the reference text, nothing acknowledged goes, and all is well once there is room',
  async () => {
    const ballast = workshop.path('disk/ballast');
    writeFileSync(ballast, new Uint8Array(40 << 20));
    const acknowledged: number[] = [];
    const refused = new Set<string>();
    const load = async (from: number, count: number) => {
      for (let i = from; i < from + count; i++) {
        const { status, text } = await write(`full,t=${'x'.repeat(40_000)}${i} v=${i} ${i}`);
        if (status === 204) acknowledged.push(i);
        else refused.add(`${status} ${text.trim()}`);
      }
    };
    await load(1, 300);
    expect(acknowledged.length).toBeGreaterThan(50);
    expect(refused.size).toBeGreaterThan(0);
    const [first, ...others] = refused;
    const full = /^500 \{"error":"write failed: engine: (error writing WAL entry: )?\w+ .*: no space left on device"\}$/; // prettier-ignore
    expect(first).toMatch(full);
    for (const text of others) expect(full.test(text) || isBehindQueue(text), text).toBe(true);
    // Refused writes leave nothing behind.
    expect(readdirSync(workshop.path('disk/wal')).length).toBeLessThan(10);
    expect((await fetch(`${api}/ping`)).status).toBe(204);
    const health = async () => (await (await fetch(`${api}/health`)).json()) as object;
    const check = { name: 'write-ahead log', status: 'fail', message: 'no space left on device' };
    expect(await health()).toMatchObject({
      status: 'pass',
      checks: expect.arrayContaining([check]) as object,
    });
    await data?.says(/lvl=error msg="The disk does not take what is written" .*what="write-ahead log"/); // prettier-ignore
    const lost = async () => {
      const stored = await timesOf('full');
      return acknowledged.filter((time) => !stored.has(time)).length;
    };
    expect(await lost()).toBe(0);
    rmSync(ballast);
    await eventually(async () => {
      expect(await write('full v=1 1000000')).toEqual({ status: 204, text: '' });
    }, recoveryMsMax);
    acknowledged.push(1_000_000);
    await load(400, 10);
    expect(await lost()).toBe(0);
    await eventually(async () => {
      expect(await health()).toMatchObject({ checks: [] });
    }, recoveryMsMax);
    await data?.says(/msg="The disk takes what is written again" .*what="write-ahead log"/);
    await restartData('SIGKILL');
    expect(await lost()).toBe(0);
  },
  limitMs,
);

test.runIf(hasStrace)(
  'disk faults: a sync that fails fails the write; the next one is well without a restart, and all is there after one',
  async () => {
    enlargeDisk();
    const acknowledged: number[] = [];
    const one = async (time: number) => {
      const outcome = await write(`eio v=${time} ${time}`);
      if (outcome.status === 204) acknowledged.push(time);
      return outcome;
    };
    for (let time = 1; time <= 5; time++) expect((await one(time)).status).toBe(204);
    await withFault(['-e', 'trace=fdatasync', '-e', 'inject=fdatasync:error=EIO'], async () => {
      const { status, text } = await one(10);
      expect(status).toBe(500);
      expect(text).toMatch(/^\{"error":"write failed: engine: sync .*: input\/output error"\}\n$/);
      for (let time = 11; time <= 12; time++) expect((await one(time)).status).toBe(500);
    });
    await eventually(async () => {
      expect((await one(19)).status).toBe(204);
    }, recoveryMsMax);
    for (let time = 20; time <= 25; time++) expect((await one(time)).status).toBe(204);
    for (const signal of ['SIGKILL', 'SIGTERM'] as const) {
      await restartData(signal);
      const stored = await timesOf('eio');
      expect(acknowledged.filter((time) => !stored.has(time))).toEqual([]);
    }
  },
  limitMs,
);

/** A start at which the disk fails to read this file; resolves once the node answers. */
async function startUnreadable(path: string): Promise<{ end(): Promise<void> }> {
  const inject = ['-e', 'trace=read,pread64,preadv', '-e', 'inject=read,pread64,preadv:error=EIO'];
  const influxd = join(import.meta.dirname, '../../bin/influxd');
  const args = ['-f', '-o', '/dev/null', '-P', path, ...inject, influxd, '-config', config];
  const tracer = spawn('strace', args, { stdio: 'ignore', detached: true });
  const ended = new Promise((resolve) => tracer.once('exit', resolve));
  const end = async () => {
    process.kill(-(tracer.pid ?? 0), 'SIGKILL');
    await ended;
  };
  try {
    await answers();
  } catch (error) {
    await end();
    throw error;
  }
  return { end };
}

test.runIf(hasStrace)(
  'disk faults: a file of a shard that cannot be read, or is empty, costs that shard alone, until it is well again',
  async () => {
    enlargeDisk();
    expect((await write('a v=1 1')).status).toBe(204);
    expect((await write('b v=1 1600000000000000000')).status).toBe(204);
    const folder = workshop.path('disk/data/d/autogen');
    const ids = readdirSync(folder).sort();
    const both = () =>
      Promise.all([
        query('SELECT v FROM a WHERE time < 9'),
        query('SELECT v FROM b WHERE time > 1500000000000000000'),
      ]);
    const expectOneDamaged = async (file: string) => {
      const texts = await both();
      const isOf = (text: string) => (text.includes('"series"') ? 'whole' : text);
      const damaged = expect.stringContaining(`d/autogen/${file}: `) as string;
      expect(texts.map(isOf)).toEqual(expect.arrayContaining(['whole', damaged]));
    };
    await eventually(() => {
      // Cold memtables go to files.
      expect(ids.filter((id) => readdirSync(`${folder}/${id}`).includes('shard.json'))).toEqual(ids); // prettier-ignore
      return Promise.resolve();
    }, 60_000);
    const names = [`${ids[0]}/shard.json`, `${ids[1]}/000000001-000000001.tsm`];
    for (const name of names) {
      data?.child.kill('SIGTERM');
      await data?.ended;
      const traced = await startUnreadable(`${folder}/${name}`);
      try {
        await expectOneDamaged(name);
      } finally {
        await traced.end();
      }
      await startData();
      for (const text of await both()) expect(text).toContain('"series"');
    }
    data?.child.kill('SIGTERM');
    await data?.ended;
    writeFileSync(`${folder}/${names[0]}`, '');
    await startData();
    await expectOneDamaged(names[0] ?? '');
    await data?.says(new RegExp(`Shard is damaged.*${names[0]}`));
  },
  limitMs,
);
