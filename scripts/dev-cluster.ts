/**
 * `npm start`: a licensed development cluster of real processes on this machine. Each node has a folder under --dir with
 * its configuration, data and log; a node that dies is reported and left down. The nodes end with this process, however
 * it ends: they watch the pipe that is their standard input.
 */
import { readFileSync } from 'node:fs';
import { relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { DevFolder } from './dev-folder.ts';
import { assertPortsFree, nodesOf, type ClusterNode } from './dev-nodes.ts';
import { DevProcesses } from './dev-processes.ts';

const readyMs = 60_000;
/** Whoever waits longer is told for what. */
const tellMs = 5_000;
const ctl = resolve(import.meta.dirname, '../bin/influxd-ctl');
const parentCheckMs = 500;
/** npm passes on a Ctrl-C that the terminal has sent here too: what comes this soon is the same one. */
const sameSignalMs = 1_000;

const usage = `Usage: npm start -- [options]

Starts a licensed development cluster of real processes on this machine. Ctrl-C stops it.

  --dir FOLDER       where the nodes keep what they have (./.varve); kept between runs
  --metas N          meta nodes (3)
  --data N           data nodes (2)
  --passive N        data nodes more that own no shard (0)
  --port-offset N    added to every port (0): 8086 and 8088 of data nodes, 8089 and 8091 of meta nodes;
                     the second node of a kind has 100 more, the third 200, and so on
  --namespaces NAME  run the nodes in network namespaces NAME-meta-1, NAME-data-1 and so on, which are there
                     already, at 10.213.0.11 and 10.213.0.101 onwards
  --fresh            forget what the folder holds, and start anew
  --help             print this
`;

/** Where npm was called: --dir and the printed commands are relative to it. */
const cwd = process.env['INIT_CWD'] ?? process.cwd();
const print = (text: string): void => {
  process.stdout.write(text);
};
const processes = new DevProcesses(cwd, print);
let stopAtMs: number | undefined;

try {
  await main();
} catch (error) {
  if (stopAtMs === undefined) {
    process.stderr.write(`${textOf(error)}\n`);
    await stop(1);
  }
}

async function main(): Promise<void> {
  const options = readOptions();
  if (options === undefined) {
    print(usage);
    return;
  }
  const { dir, isFresh, asked, namespaces } = options;
  const folder = await DevFolder.open(dir, isFresh);
  const shape = folder.shape(asked);
  const nodes = nodesOf(dir, shape, namespaces);
  // Before anything is removed: a port that is taken may be that of a node which works in this very folder.
  await assertPortsFree(nodes);
  stopOnSignals();
  if (isFresh) folder.clear();
  folder.prepare(shape, nodes);
  const death = processes.nextDeath();
  for (const node of nodes) processes.start(node);
  await Promise.race([form(nodes), death]);
  // From now on a death is reported and no more.
  death.catch(() => undefined);
  const urls = nodes.filter(({ kind }) => kind === 'data').map(({ http }) => `http://${http}`);
  const meta = nodes[0]?.http ?? '';
  print(`ready: data nodes ${urls.join(' ')}, meta http://${meta}\n`);
  print(`try: ${relative(cwd, ctl)} -bind ${meta} show\n`);
}

/** Undefined when help was asked for. */
function readOptions():
  | {
      readonly dir: string;
      readonly isFresh: boolean;
      readonly namespaces: string;
      readonly asked: Parameters<DevFolder['shape']>[0];
    }
  | undefined {
  const { values } = parseOptions();
  if (values.help) return undefined;
  const asked = {
    metas: count('metas', values.metas, 1),
    data: count('data', values.data, 1),
    passive: count('passive', values.passive, 0),
    portOffset: count('port-offset', values['port-offset'], 0),
  };
  if (values.dir === '') throw new Error('--dir must name a folder');
  return {
    dir: resolve(cwd, values.dir),
    isFresh: values.fresh,
    asked,
    namespaces: values.namespaces,
  };
}

function parseOptions() {
  return parseArgs({
    options: {
      dir: { type: 'string', default: './.varve' },
      metas: { type: 'string' },
      data: { type: 'string' },
      passive: { type: 'string' },
      'port-offset': { type: 'string' },
      namespaces: { type: 'string', default: '' },
      fresh: { type: 'boolean', default: false },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
}

function count(name: string, text: string | undefined, least: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text) || Number(text) < least)
    throw new Error(`--${name} must be a whole number of at least ${least}, not ${text}`);
  return Number(text);
}

/** Makes a cluster of the nodes; what is in it already stays. */
async function form(nodes: readonly ClusterNode[]): Promise<void> {
  const metas = nodes.filter(({ kind }) => kind === 'meta');
  const data = nodes.filter(({ kind }) => kind === 'data');
  const first = metas[0]?.http ?? '';
  for (const { name, http } of metas) await until(`${name} answers`, () => get(http, '/status'));
  const add = async (
    name: string,
    path: string,
    parameters: Readonly<Record<string, string>>,
  ): Promise<void> => {
    await until(`${name} is a member`, async () => {
      const body = new URLSearchParams(parameters);
      const response = await fetch(`http://${first}${path}`, { method: 'POST', body });
      if (!response.ok) throw new Error((await response.text()).trim());
    });
  };
  for (const { name, http } of metas) await add(name, '/join', { addr: http });
  for (const { name, http, tcp, isPassive } of data) {
    await until(`${name} answers`, () => get(http, '/ping'));
    await add(name, '/add-data', { addr: tcp, ...(isPassive && { passive: 'true' }) });
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
  const giveUp = performance.now() + readyMs;
  let tellAt = performance.now() + tellMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (performance.now() > giveUp)
        throw new Error(`waited in vain until ${what}: ${textOf(error)}`);
      if (performance.now() > tellAt) {
        print(`waiting until ${what}: ${textOf(error)}\n`);
        tellAt = performance.now() + tellMs;
      }
      await new Promise((wake) => setTimeout(wake, 100));
    }
  }
}

function stopOnSignals(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void stop(0));
  // A terminal that is gone takes no more text; the nodes are to be stopped all the same.
  for (const stream of [process.stdout, process.stderr])
    stream.on('error', () => stopAtMs === undefined && void stop(0));
  // Nobody could stop a launcher whose npm was killed.
  if (process.env['npm_lifecycle_event'] === undefined) return;
  const parents = npmProcesses();
  setInterval(() => {
    if (npmProcesses() !== parents && stopAtMs === undefined) void stop(0);
  }, parentCheckMs).unref();
}

/** The processes above this one up to npm: it may start scripts by a shell that stays between. */
function npmProcesses(): string {
  const parent = process.ppid;
  try {
    const stat = readFileSync(`/proc/${parent}/stat`, 'utf8');
    const [, command = '', grandparent = ''] = /\((.*)\) \S (\d+) /s.exec(stat) ?? [];
    return /^(\w*sh)$/.test(command) ? `${parent} ${grandparent}` : `${parent}`;
  } catch {
    // No such file system, or the parent has just ended.
    return `${parent}`;
  }
}

/** Stops the nodes and exits; asked again, it kills them. */
async function stop(code: number): Promise<void> {
  if (stopAtMs !== undefined) {
    if (performance.now() - stopAtMs > sameSignalMs) processes.kill();
    return;
  }
  stopAtMs = performance.now();
  await processes.stop();
  process.exit(code);
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
