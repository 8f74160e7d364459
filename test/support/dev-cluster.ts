import { spawn, type ChildProcess, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { clientHost } from './namespaces.ts';

const root = join(import.meta.dirname, '../..');

/** Without a database that nobody made. */
export const unmonitored = { INFLUXDB_MONITOR_STORE_ENABLED: 'false' };

/** From here on the system gives ports to connections that are opened: one may be taken at any moment. */
const givenPortMin = 32_768;

/** Throws for a port that a test cannot count on. */
export function checkPort(port: number): void {
  if (port >= givenPortMin) throw new Error(`port ${port} may be that of any connection: take one below ${givenPortMin}`); // prettier-ignore
}

/** What a command has printed, and its exit code. */
export interface Ran {
  readonly code: number | null;
  readonly text: string;
}

/** A cluster of real processes, started by `npm start`'s launcher on ports of its own. */
export class DevCluster {
  readonly dir: string;
  readonly #offset: number;
  readonly #extra: readonly string[];
  /** The last one of each name. */
  readonly #byHand = new Map<string, ChildProcess>();
  readonly #started: ChildProcess[] = [];
  #environment: Readonly<Record<string, string>> = {};
  #launcher: ChildProcess | undefined;
  /** The launcher says nothing, or nothing any more. */
  #isSilent = true;
  #output = '';
  #onOutput: () => void = () => undefined;

  /** `extra` goes to the launcher; a folder of its own is used unless it names one. */
  constructor(offset: number, ...extra: readonly string[]) {
    checkPort(8_091 + offset + 500);
    const named = extra[extra.indexOf('--dir') + 1];
    const isNamed = extra.includes('--dir') && named !== undefined;
    this.dir = isNamed ? named : mkdtempSync(join(tmpdir(), 'varve-cluster-'));
    this.#offset = offset;
    this.#extra = extra;
  }

  get output(): string {
    return this.#output;
  }

  get launcherPid(): number {
    return this.#launcher?.pid ?? 0;
  }

  /** Resolves when the launcher says that the cluster is ready; `environment` is for it and all nodes, `from` the tree they are of. */
  async start(environment: Readonly<Record<string, string>> = {}, from = root): Promise<void> {
    this.#output = '';
    this.#environment = { ...unmonitored, ...environment };
    const args = ['scripts/dev-cluster.ts', '--dir', this.dir, '--port-offset', `${this.#offset}`];
    const launcher = spawn(process.execPath, [...args, ...this.#extra], {
      cwd: from,
      env: { ...process.env, ...this.#environment },
    });
    this.#launcher = launcher;
    const onData = (part: Buffer): void => {
      this.#output += part.toString();
      this.#onOutput();
    };
    launcher.stdout.on('data', onData);
    launcher.stderr.on('data', onData);
    // Not at its exit: what it said last may still be on its way then.
    this.#isSilent = false;
    launcher.on('close', () => {
      if (this.#launcher !== launcher) return;
      this.#isSilent = true;
      this.#onOutput();
    });
    await this.says(/^ready/m);
  }

  /** Resolves when the launcher has printed what matches; rejects when it ends without. */
  async says(pattern: RegExp): Promise<void> {
    while (!pattern.test(this.#output)) {
      if (this.#isSilent) throw new Error(`the launcher ended: ${this.#output}`);
      const onEarlier = this.#onOutput;
      await new Promise<void>((resolve) => {
        this.#onOutput = () => {
          onEarlier();
          resolve();
        };
      });
    }
  }

  url(kind: 'meta' | 'data', number: number): string {
    const port = (kind === 'meta' ? 8091 : 8086) + this.#offset + 100 * (number - 1);
    const host = this.#extra.includes('--namespaces') ? clientHost(kind, number) : '127.0.0.1';
    return `http://${host}:${port}`;
  }

  /** Of the last process of a node, whoever has started it. */
  pid(name: string): number {
    const child = this.#byHand.get(name);
    if (child !== undefined) return child.pid ?? 0;
    const all = this.#output.matchAll(new RegExp(`^${name}: .*# pid (\\d+)`, 'gm'));
    const pids = [...all].map((match) => Number(match[1]));
    return Math.max(0, ...pids.slice(-1));
  }

  /** kill -9; resolves when the node has ended, whoever has started it. */
  kill(name: string): Promise<void> {
    return this.#endNode(name, 'SIGKILL');
  }

  /** Has a node end in its own way, as an operator does. */
  async stopNode(name: string): Promise<void> {
    await this.#endNode(name, 'SIGTERM');
  }

  async #endNode(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#byHand.get(name);
    if (child !== undefined && isUp(child)) {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      await ended;
      return;
    }
    process.kill(this.pid(name), signal);
    const how = signal === 'SIGKILL' ? signal : 'exit code 0';
    await this.says(new RegExp(`^${name} has died: ${how}`, 'm'));
  }

  /** kill -9 of all nodes and the launcher at once. */
  async killAll(): Promise<void> {
    const pids = [...this.#output.matchAll(/# pid (\d+)/g)].map(([, pid]) => Number(pid));
    for (const pid of pids) {
      try {
        process.kill(pid, 'SIGKILL');
      } catch {
        // One that had died already.
      }
    }
    await this.#end('SIGKILL');
  }

  /** What nodes that are started by hand from now on have in their environment besides. */
  setEnvironment(more: Readonly<Record<string, string>>): void {
    this.#environment = { ...this.#environment, ...more };
  }

  /** Starts one node with the command that the launcher printed, of this tree or another; what it says is in `<name>.log`. */
  startByHand(name: string, from = root): ChildProcess {
    const { command, args, env } = this.#commandOf(name, from);
    const log = openSync(join(this.dir, `${name}.log`), 'a');
    const child = spawn(command, args, { stdio: ['ignore', log, log], env });
    closeSync(log);
    this.#byHand.set(name, child);
    this.#started.push(child);
    return child;
  }

  /** As `startByHand` does, to the end of a node that does not start. */
  runByHand(name: string, from = root): Promise<Ran> {
    const { command, args, env } = this.#commandOf(name, from);
    return ranToEnd(spawn(command, args, { env }));
  }

  #commandOf(name: string, from: string) {
    const [, within = '', bin = '', config = ''] =
      new RegExp(`^${name}: (ip netns exec \\S+ )?\\S*(bin/\\S+) -config (\\S+)`, 'm').exec(this.#output) ?? []; // prettier-ignore
    const words = [...within.split(' '), join(from, bin), '-config', config];
    const [command = '', ...args] = words.filter((word) => word !== '');
    const env = { ...process.env, ...this.#environment };
    return { command, args, env };
  }

  /** Runs influxd-ctl against the first meta node; `onText` sees what has been printed, whenever there is more. `leaving` kills it (-9). */
  ctl(
    args: readonly string[],
    onText: (text: string) => void = () => undefined,
    environment: Readonly<Record<string, string>> = {},
    leaving?: AbortSignal,
  ): Promise<Ran> {
    const config = join(this.dir, 'meta-1/influxdb-meta.conf');
    const env = { ...process.env, ...environment };
    const child = spawn(join(root, 'bin/influxd-ctl'), ['-config', config, ...args], { env });
    leaving?.addEventListener('abort', () => child.kill('SIGKILL'));
    return ranToEnd(child, onText);
  }

  /** The folder stays with `keepsFolder`, for a look at what went wrong. */
  async stop({ keepsFolder = false }: { readonly keepsFolder?: boolean } = {}): Promise<void> {
    // Also one that another has taken the place of: a test that failed may have left both.
    const running = this.#started.filter(isUp);
    const ended = running.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    for (const child of running) child.kill('SIGKILL');
    await Promise.all([...ended, this.#end('SIGINT')]);
    if (!keepsFolder) rmSync(this.dir, { recursive: true, force: true });
  }

  async #end(signal: 'SIGINT' | 'SIGKILL'): Promise<void> {
    const launcher = this.#launcher;
    if (launcher === undefined || !isUp(launcher)) return;
    const ended = new Promise((resolve) => launcher.once('exit', resolve));
    launcher.kill(signal);
    await ended;
  }

  async query(number: number, q: string, database = 'd'): Promise<string> {
    const body = new URLSearchParams({ q, db: database, epoch: 'ns' });
    const response = await fetch(`${this.url('data', number)}/query`, { method: 'POST', body });
    return response.text();
  }

  async write(number: number, lines: string, level: string, database = 'd'): Promise<string> {
    const url = `${this.url('data', number)}/write?db=${database}&consistency=${level}`;
    const response = await fetch(url, { method: 'POST', body: lines });
    return `${response.status} ${await response.text()}`.trim();
  }

  /** The values of the first series. */
  async values(number: number, q: string): Promise<readonly (readonly unknown[])[]> {
    const text = await this.query(number, q);
    const answer = JSON.parse(text) as {
      results: { error?: string; series?: { values: unknown[][] }[] }[];
    };
    const [result] = answer.results;
    if (result?.error !== undefined) throw new Error(result.error);
    return result?.series?.[0]?.values ?? [];
  }
}

/** On a busy machine anything may take so long: what is given up sooner says nothing else. */
const patienceMsMin = 45_000;

/**
 * Resolves when `attempt` does not throw; throws its last error after `limitMs`, and no sooner than patience is over.
 * Answers the milliseconds it took.
 */
export async function eventually(
  attempt: () => Promise<unknown>,
  limitMs: number,
): Promise<number> {
  const start = performance.now();
  const endMs = start + Math.max(limitMs, patienceMsMin);
  for (;;) {
    try {
      await attempt();
      return performance.now() - start;
    } catch (error) {
      if (performance.now() > endMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

function ranToEnd(
  child: ChildProcessWithoutNullStreams,
  onText: (text: string) => void = () => undefined,
): Promise<Ran> {
  let text = '';
  const onData = (part: Buffer): void => {
    text += part.toString();
    onText(text);
  };
  child.stdout.on('data', onData);
  child.stderr.on('data', onData);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      resolve({ code, text });
    });
  });
}

function isUp({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null;
}
