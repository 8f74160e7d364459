/**
 * Has a cluster of one meta and two data nodes work for a moment on ports that are free, so that what V8 compiles of their bundles,
 * also of what nodes do for each other, is kept (scripts/bundle-loader.ts) before anybody waits for a node. Run by `npm ci` and `npm run build` behind `build-bundles.ts`.
 * Where it does not come to an end, as where no port may be opened, it says so, and each program's first start keeps what it compiles.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const readyMs = 30_000;
/** Ports below those that the system gives to connections. */
const [offsetMin, offsetMax] = [15_000, 24_000];
const startS = 1_704_067_200;

const folder = mkdtempSync(join(tmpdir(), 'varve-warm-'));
let cluster: ChildProcess | undefined;
try {
  // Whichever node ends last, what it has compiled is kept.
  for (const [i, url] of (await startCluster()).entries()) await work(url, `warm${i}`);
} catch (error) {
  process.stderr.write(`bundles are not warm: ${error instanceof Error ? error.message : String(error)}\n`); // prettier-ignore
} finally {
  await stopCluster();
  rmSync(folder, { recursive: true, force: true });
}

/** Resolves with the data nodes' addresses. */
async function startCluster(): Promise<readonly string[]> {
  const offset = offsetMin + (process.pid % (offsetMax - offsetMin));
  const args = ['--dir', folder, '--metas', '1', '--data', '2', '--port-offset', `${offset}`];
  cluster = spawn(process.execPath, [join(import.meta.dirname, 'dev-cluster.ts'), ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, INIT_CWD: folder },
  });
  const { stdout, stderr } = cluster;
  if (stdout === null || stderr === null) throw new Error('the launcher has no output');
  let said = '';
  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      reject(new Error(`no cluster within ${readyMs / 1_000} s: ${said}`));
    }, readyMs);
    for (const output of [stdout, stderr])
      output.on('data', (piece: Buffer) => {
        said += piece.toString();
        const [, urls] = /^ready: data nodes ([^,]+),/m.exec(said) ?? [];
        if (urls === undefined) return;
        clearTimeout(giveUp);
        resolve(urls.split(' '));
      });
    cluster?.once('close', () => {
      clearTimeout(giveUp);
      reject(new Error(`no cluster: ${said.trim()}`));
    });
  });
}

/** What nodes do all day. */
async function work(url: string, database: string): Promise<void> {
  const query = async (q: string): Promise<void> => {
    const body = new URLSearchParams({ q, db: database });
    await text(`${url}/query`, { method: 'POST', body });
    await text(`${url}/query?${body.toString()}`);
  };
  await query(`CREATE DATABASE ${database} WITH REPLICATION 2`);
  for (let i = 0; i < 20; i++) {
    const line = (host: number): string =>
      `cpu,host=h${host},region=eu usage=${host + i / 10},count=${i}i,is=true,text="t" ${startS + i}000000000`; // prettier-ignore
    const lines = Array.from({ length: 1 + i * 20 }, (_, host) => line(host));
    await text(`${url}/write?db=${database}&consistency=all`, {
      method: 'POST',
      body: lines.join('\n'),
    });
  }
  for (const q of [
    `SELECT usage FROM cpu WHERE host = 'h0' AND time = ${startS}000000000`,
    'SELECT * FROM cpu LIMIT 3',
    `SELECT mean(usage), max(count) FROM cpu WHERE time >= ${startS}s AND time < ${startS + 60}s GROUP BY time(10s), host fill(none)`,
    'SELECT last(usage) FROM cpu GROUP BY host',
    'SHOW DATABASES; SHOW MEASUREMENTS; SHOW FIELD KEYS; SHOW TAG KEYS; SHOW RETENTION POLICIES',
    'SHOW TAG VALUES WITH KEY = host; SHOW SERIES LIMIT 5; SHOW SHARDS; SHOW STATS; SHOW DIAGNOSTICS',
  ])
    await query(q);
}

async function text(url: string, init?: RequestInit): Promise<string> {
  const response = await fetch(url, init);
  const said = await response.text();
  if (!response.ok) throw new Error(`${url}: ${response.status} ${said}`);
  return said;
}

async function stopCluster(): Promise<void> {
  if (cluster === undefined || cluster.exitCode !== null) return;
  const ended = once(cluster, 'close');
  cluster.kill('SIGTERM');
  await ended;
}
