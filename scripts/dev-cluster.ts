/**
 * `npm start`: a licensed development cluster of real processes on this machine. Each node has a folder under --dir with
 * its configuration, data and log; a node that dies is reported and left down. The nodes end with this process, however
 * it ends: they watch the pipe that is their standard input.
 */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

const root = resolve(import.meta.dirname, '..');
const host = '127.0.0.1';
const readyMs = 60_000;

interface ClusterNode {
  readonly name: string;
  readonly bin: 'influxd' | 'influxd-meta';
  readonly folder: string;
  readonly configPath: string;
  readonly http: string;
  readonly tcp: string;
}

const { values: options } = parseArgs({
  options: {
    dir: { type: 'string', default: './.varve' },
    metas: { type: 'string', default: '3' },
    data: { type: 'string', default: '2' },
    'port-offset': { type: 'string', default: '0' },
    fresh: { type: 'boolean', default: false },
  },
});
const dir = resolve(process.env['INIT_CWD'] ?? process.cwd(), options.dir);
const children = new Map<string, ChildProcess>();
let isStopping = false;

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  await stop(1);
}

async function main(): Promise<void> {
  const metaCount = count('metas', options.metas, 1);
  const dataCount = count('data', options.data, 1);
  const offset = count('port-offset', options['port-offset'], 0);
  if (options.fresh) rmSync(dir, { recursive: true, force: true });
  const metas = Array.from({ length: metaCount }, (_, i) => nodeOf('meta', i, offset));
  const data = Array.from({ length: dataCount }, (_, i) => nodeOf('data', i, offset));
  for (const { http, tcp } of [...metas, ...data]) {
    await assertFree(http);
    await assertFree(tcp);
  }
  process.on('SIGINT', () => void stop(0));
  process.on('SIGTERM', () => void stop(0));
  const license = issueLicense(metaCount + dataCount);
  for (const node of metas) writeConfig(node, metaConfig(node, license));
  for (const node of data) writeConfig(node, dataConfig(node, license));
  for (const node of [...metas, ...data]) start(node);
  await form(metas, data);
  const urls = data.map(({ http }) => `http://${http}`).join(' ');
  process.stdout.write(`ready: data nodes ${urls}, meta http://${metas[0]?.http ?? ''}\n`);
}

function count(name: string, text: string, least: number): number {
  if (!/^\d+$/.test(text) || Number(text) < least)
    throw new Error(`--${name} must be a whole number of at least ${least}, not ${text}`);
  return Number(text);
}

function nodeOf(kind: 'meta' | 'data', i: number, offset: number): ClusterNode {
  const shift = offset + 100 * i;
  const name = `${kind}-${i + 1}`;
  const folder = join(dir, name);
  const isMeta = kind === 'meta';
  return {
    name,
    bin: isMeta ? 'influxd-meta' : 'influxd',
    folder,
    configPath: join(folder, isMeta ? 'influxdb-meta.conf' : 'influxdb.conf'),
    http: `${host}:${(isMeta ? 8091 : 8086) + shift}`,
    tcp: `${host}:${(isMeta ? 8089 : 8088) + shift}`,
  };
}

function assertFree(address: string): Promise<void> {
  const port = Number(address.split(':')[1]);
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once('error', () => {
      fail(new Error(`port ${port} is taken: stop what listens there or use --port-offset`));
    });
    probe.listen({ port, host }, () => probe.close(() => done()));
  });
}

/** A licence by a key of its own, issued once and kept with the cluster. */
function issueLicense(nodeCount: number): { path: string; publicKey: string } {
  const folder = join(dir, 'license');
  const key = join(folder, 'key');
  const publicKey = join(folder, 'key.pub');
  const path = join(folder, 'license.json');
  mkdirSync(folder, { recursive: true });
  const run = (...args: string[]): void => {
    const done = spawnSync(join(root, 'bin/influxd-license'), args, { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`influxd-license: ${done.stderr}`);
  };
  if (!existsSync(key)) run('keygen', '--private-key', key, '--public-key', publicKey);
  // Issued at each start, so that it is never a stale one: it is signed by the same key.
  rmSync(path, { force: true });
  run('issue', '--private-key', key, '--out', path, '--data-nodes', `${Math.max(10, nodeCount)}`, '--days', '365'); // prettier-ignore
  return { path: path, publicKey: publicKey };
}

function metaConfig(node: ClusterNode, license: { path: string; publicKey: string }): string {
  return `hostname = "${host}"

[enterprise]
  license-path = "${license.path}"
  license-public-key-path = "${license.publicKey}"

[meta]
  dir = "${join(node.folder, 'meta')}"
  bind-address = "${node.tcp}"
  http-bind-address = "${node.http}"
`;
}

function dataConfig(node: ClusterNode, license: { path: string; publicKey: string }): string {
  return `hostname = "${host}"
bind-address = "${node.tcp}"

[enterprise]
  license-path = "${license.path}"
  license-public-key-path = "${license.publicKey}"

[meta]
  dir = "${join(node.folder, 'meta')}"

[data]
  dir = "${join(node.folder, 'data')}"
  wal-dir = "${join(node.folder, 'wal')}"

[http]
  bind-address = "${node.http}"
  log-enabled = false
`;
}

function writeConfig(node: ClusterNode, text: string): void {
  mkdirSync(node.folder, { recursive: true });
  writeFileSync(node.configPath, text);
}

function start(node: ClusterNode): void {
  const logPath = join(node.folder, `${node.bin}.log`);
  const log = openSync(logPath, 'a');
  const child = spawn(join(root, 'bin', node.bin), ['-config', node.configPath], {
    stdio: ['pipe', log, log],
    // A process group of its own: Ctrl-C reaches the launcher alone, which stops them in order.
    detached: true,
    env: { ...process.env, VARVE_STOP_ON_STDIN_END: '1' },
  });
  closeSync(log);
  children.set(node.name, child);
  const command = `${relative(process.cwd(), join(root, 'bin', node.bin))} -config ${node.configPath}`;
  process.stdout.write(`${node.name}: ${command}   # pid ${child.pid}, log ${logPath}\n`);
  child.on('exit', (code, signal) => {
    children.delete(node.name);
    if (isStopping) return;
    const last = readFileSync(logPath, 'utf8').trimEnd().split('\n').slice(-8).join('\n  ');
    process.stdout.write(`${node.name} has died: ${signal ?? `exit code ${code}`}\n  ${last}\n`);
  });
}

/** Makes a cluster of the nodes; what is in it already stays. */
async function form(metas: readonly ClusterNode[], data: readonly ClusterNode[]): Promise<void> {
  const first = metas[0]?.http ?? '';
  for (const { name, http } of metas) await until(`${name} answers`, () => get(http, '/status'));
  const add = async (name: string, path: string, addr: string): Promise<void> => {
    await until(`${name} is a member`, async () => {
      const body = new URLSearchParams({ addr });
      const response = await fetch(`http://${first}${path}`, { method: 'POST', body });
      if (!response.ok) throw new Error((await response.text()).trim());
    });
  };
  for (const { name, http } of metas) await add(name, '/join', http);
  for (const { name, http, tcp } of data) {
    await until(`${name} answers`, () => get(http, '/ping'));
    await add(name, '/add-data', tcp);
  }
  // A data node is ready when it knows itself: its first SHOW DATABASES is then the cluster's.
  for (const { name, tcp } of data) {
    await until(`${name} has joined`, async () => {
      const status = (await (await get(tcp, '/status')).json()) as { metaAddrs: string[] };
      if (status.metaAddrs.length < metas.length) throw new Error('it does not know all metas yet');
    });
  }
}

async function get(address: string, path: string): Promise<Response> {
  return fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(5_000) });
}

async function until(what: string, attempt: () => Promise<unknown>): Promise<void> {
  const giveUp = Date.now() + readyMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() > giveUp)
        throw new Error(`waited in vain until ${what}: ${error instanceof Error ? error.message : String(error)}`); // prettier-ignore
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }
}

async function stop(code: number): Promise<void> {
  if (isStopping) return;
  isStopping = true;
  const ended = [...children.values()].map(
    (child) =>
      new Promise((done) => (child.exitCode === null ? child.once('exit', done) : done(0))),
  );
  for (const child of children.values()) child.kill('SIGTERM');
  await Promise.all(ended);
  process.exit(code);
}
