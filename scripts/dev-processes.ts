/** The processes of a development cluster. */
import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { ClusterNode } from './dev-nodes.ts';

const root = resolve(import.meta.dirname, '..');
/** A node ends itself 30 s after it was told to; one that cannot even do that is killed. */
const killMs = 35_000;
const tailBytes = 64 * 1024;
const tailLines = 8;

export class DevProcesses {
  readonly #print: (text: string) => void;
  readonly #cwd: string;
  readonly #children = new Map<string, ChildProcess>();
  #isStopping = false;
  #onDeath: (error: Error) => void = () => undefined;

  /** `cwd` is where the printed commands are to be pasted. */
  constructor(cwd: string, print: (text: string) => void) {
    this.#cwd = cwd;
    this.#print = print;
  }

  /** Rejects with the next death of a node; never resolves. */
  nextDeath(): Promise<never> {
    return new Promise((_resolve, reject) => {
      this.#onDeath = reject;
    });
  }

  /** Starts a node. It is reported and left down when it ends. */
  start(node: ClusterNode): void {
    const { name, bin, configPath, logPath, namespace } = node;
    const log = openSync(logPath, 'a');
    // `ip netns exec` becomes the program: its process is the node's.
    const within = namespace === '' ? [] : ['ip', 'netns', 'exec', namespace];
    const words: readonly string[] = [...within, join(root, 'bin', bin), '-config', configPath];
    const [program = '', ...args] = words;
    const child = spawn(program, args, {
      // The node watches the pipe that is its standard input: it ends with the launcher, however that ends.
      stdio: ['pipe', log, log],
      // A process group of its own: Ctrl-C reaches the launcher alone, which stops them in order.
      detached: true,
      env: { ...process.env, VARVE_STOP_ON_STDIN_END: '1' },
    });
    closeSync(log);
    this.#children.set(name, child);
    child.stdin?.on('error', () => undefined);
    child.on('error', (error) => {
      this.#report(name, `it did not start: ${error.message}`);
    });
    child.on('exit', (code, signal) => {
      const last = lastLines(logPath).join('\n  ');
      this.#report(name, `${signal ?? `exit code ${code}`}\n  ${last}`);
    });
    const command = `${within.map((word) => `${word} `).join('')}${quoted(relative(this.#cwd, join(root, 'bin', bin)))} -config ${quoted(configPath)}`;
    this.#print(`${name}: ${command}   # pid ${child.pid}, log ${quoted(logPath)}\n`);
  }

  /** Resolves when all have ended. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    const children = [...this.#children.values()];
    const ended = children.map((child) => new Promise((done) => child.once('exit', done)));
    for (const child of children) child.kill('SIGTERM');
    const timer = setTimeout(() => {
      this.kill();
    }, killMs);
    await Promise.all(ended);
    clearTimeout(timer);
  }

  /** Ends what still runs, at once. */
  kill(): void {
    for (const child of this.#children.values()) child.kill('SIGKILL');
  }

  #report(name: string, how: string): void {
    this.#children.delete(name);
    if (this.#isStopping) return;
    this.#print(`${name} has died: ${how}\n`);
    this.#onDeath(new Error(`${name} has died`));
  }
}

function lastLines(path: string): readonly string[] {
  const file = openSync(path, 'r');
  try {
    const { size } = fstatSync(file);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    readSync(file, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString().trimEnd().split('\n').slice(-tailLines);
  } finally {
    closeSync(file);
  }
}

/** For a shell. */
function quoted(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
