import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { goTool } from '../support/go-tool.ts';

const cluster = new DevCluster(18_500, '--metas', '1', '--data', '1');
const folder = mkdtempSync(join(tmpdir(), 'varve-pprof-'));
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(async () => {
  await cluster.stop();
  rmSync(folder, { recursive: true });
}, limitMs);

async function profile(kind: 'meta' | 'data', path: string): Promise<Buffer> {
  const answer = await fetch(`${cluster.url(kind, 1)}/debug/pprof/${path}`);
  expect([path, answer.status]).toEqual([path, 200]);
  return Buffer.from(await answer.arrayBuffer());
}

/** What the tool prints of a profile; undefined without it. */
function toolSays(bytes: Buffer, how: string): string | undefined {
  const file = join(folder, 'profile.pb.gz');
  writeFileSync(file, bytes);
  return goTool(how, file);
}

/** Writes and asks until it is stopped, so that the threads of a data node have something to do. */
function startLoad(): () => Promise<void> {
  const lines = Array.from({ length: 5_000 }, (_, i) => `m,host=h${i % 100} a=${i}.5,b=${i}i ${i}000000`); // prettier-ignore
  const state = { isOver: false };
  const work = async (): Promise<void> => {
    while (!state.isOver) {
      expect(await cluster.write(1, lines.join('\n'), 'one')).toBe('204');
      await cluster.query(1, 'SELECT mean(a), max(b) FROM m GROUP BY host');
    }
  };
  const working = work();
  return () => {
    state.isOver = true;
    return working;
  };
}

test(
  'pprof: a profile of a data node has its threads, and its kernels by the names of their functions',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d');
    const stop = startLoad();
    const bytes = await profile('data', 'profile?seconds=3');
    await stop();
    const text = gunzipSync(bytes).toString('latin1');
    for (const name of ['main', 'worker ', 'src/kernels/assembly/']) expect(text).toContain(name); // prettier-ignore
    const top = toolSays(bytes, '-top');
    if (top === undefined) return;
    expect(top).toMatch(/^Type: cpu$/m);
    expect(top).toContain(' src/kernels/assembly/');
    const tags = toolSays(bytes, '-tags');
    expect(tags).toMatch(/thread: Total/);
    expect(tags).toMatch(/: main$/m);
    expect(tags).toMatch(/: worker \d+$/m);
  },
  limitMs,
);

test.each(['meta', 'data'] as const)(
  'pprof: every profile of a %s node is there, and is one to the tool of Go',
  async (kind) => {
    const kinds = { 'heap?seconds=0.1': 'inuse_space', 'allocs?seconds=0.1': 'alloc_space', goroutine: 'goroutine', threadcreate: 'threadcreate', block: 'delay', mutex: 'delay', 'profile?seconds=0.2': 'cpu' }; // prettier-ignore
    for (const [path, type] of Object.entries(kinds)) {
      const top = toolSays(await profile(kind, path), '-top');
      if (top !== undefined) expect([path, top]).toEqual([path, expect.stringContaining(`Type: ${type}\n`)]); // prettier-ignore
    }
    const listed = (await profile(kind, 'goroutine?debug=1')).toString();
    expect(listed).toMatch(/^goroutine profile: total \d+\n/);
    expect(listed).toContain('thread main');
    const trace = (await profile(kind, 'trace?seconds=0.2')).toString();
    expect(JSON.parse(trace)).toHaveProperty('traceEvents');
    const daemon = kind === 'meta' ? 'main-meta' : 'main-data';
    expect((await profile(kind, 'cmdline')).toString().split('\0')).toContainEqual(expect.stringContaining(daemon)); // prettier-ignore
    for (const path of ['', 'symbol']) expect((await profile(kind, path)).length).toBeGreaterThan(0); // prettier-ignore
    const archive = join(folder, 'all.tar.gz');
    writeFileSync(archive, await profile(kind, 'all?cpu=200ms'));
    const names = spawnSync('tar', ['tzf', archive], { encoding: 'utf8' }).stdout;
    expect(names).toContain('profiles/cpu.pb.gz\nprofiles/goroutine.pb.gz\n');
    expect(names.includes('profiles/shards.txt\nprofiles/stats.txt\nprofiles/diagnostics.txt\n')).toBe(kind === 'data'); // prettier-ignore
  },
  limitMs,
);

test(
  'pprof: neither daemon has profiles where they are switched off',
  async () => {
    const isServed = async (kind: 'meta' | 'data', path: string) =>
      (await fetch(`${cluster.url(kind, 1)}${path}`)).status;
    const off = { INFLUXDB_META_PPROF_ENABLED: 'false', INFLUXDB_HTTP_PPROF_ENABLED: 'false' };
    Object.assign(process.env, off);
    for (const name of ['data-1', 'meta-1']) {
      await cluster.stopNode(name);
      cluster.startByHand(name);
    }
    for (const name of Object.keys(off)) Reflect.deleteProperty(process.env, name);
    for (const kind of ['meta', 'data'] as const)
      await eventually(() => fetch(`${cluster.url(kind, 1)}/ping`), 30_000);
    for (const kind of ['meta', 'data'] as const)
      for (const path of ['/debug/pprof', '/debug/pprof/', '/debug/pprof/heap', '/debug/pprof/all'])
        expect([kind, path, await isServed(kind, path)]).toEqual([kind, path, 404]);
    expect(await isServed('data', '/debug/vars')).toBe(200);
  },
  limitMs,
);
