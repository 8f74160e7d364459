import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkPort, eventually, unmonitored } from './dev-cluster.ts';

const programsHere = join(import.meta.dirname, '../../bin');
/** What is meant to end and goes on instead would hold up all tests. */
const endMsMax = 60_000;

export interface Finished {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export type Bin = 'influxd' | 'influxd-meta' | 'influxd-ctl' | 'influxd-license' | 'influx_inspect';

export interface DaemonSettings {
  readonly port: number;
  readonly name?: string;
  /** File names of the workshop's folder; '' leaves the key empty. */
  readonly license?: string;
  readonly publicKey?: string;
  readonly licenseKey?: string;
  readonly portalUrl?: string;
  /** Lines put at the end, with sections of their own. */
  readonly more?: string;
}

/** A folder of its own, and daemons started one by one in it, each with one configuration file. */
export class Workshop {
  readonly folder = mkdtempSync(join(tmpdir(), 'varve-daemons-'));
  readonly #programs: string;
  readonly #running: ChildProcess[] = [];

  /** `programs` is the folder that they are started from. */
  constructor(programs = programsHere) {
    this.#programs = programs;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Ends all that still run. */
  async close(): Promise<void> {
    for (const child of this.#running) child.kill('SIGKILL');
    await Promise.all(
      this.#running.map(
        (child) =>
          new Promise((resolve) =>
            child.exitCode === null && child.signalCode === null
              ? child.once('exit', resolve)
              : resolve(0),
          ),
      ),
    );
    rmSync(this.folder, { recursive: true });
  }

  keygen(name: string): void {
    const made = run('influxd-license', 'keygen', '--private-key', this.path(name), '--public-key', this.path(`${name}.pub`)); // prettier-ignore
    if (made.status !== 0) throw new Error(made.stderr);
  }

  /** Signed by `key` of the folder. */
  issue(name: string, ...more: readonly string[]): void {
    const made = run('influxd-license', 'issue', '--private-key', this.path('key'), '--out', this.path(name), ...more); // prettier-ignore
    if (made.status !== 0) throw new Error(made.stderr);
  }

  /** Writes a configuration; both daemons can read it. Ports are those of the reference from `port` on. */
  config(settings: DaemonSettings): string {
    const { port, name = 'node', license = 'good.json', publicKey = 'key.pub' } = settings;
    const file = (it: string) => (it === '' ? '' : this.path(it));
    checkPort(port + 91);
    const at = (offset: number) => `127.0.0.1:${port + offset}`;
    const text = `bind-address = "${at(88)}"
hostname = "127.0.0.1"
[enterprise]
  license-key = "${settings.licenseKey ?? ''}"
  license-path = "${file(license)}"
  license-public-key-path = "${file(publicKey)}"
  license-portal-url = "${settings.portalUrl ?? ''}"
[meta]
  dir = "${file(`${name}-meta`)}"
  bind-address = "${at(89)}"
  http-bind-address = "${at(91)}"
[data]
  dir = "${file(`${name}-data`)}"
  wal-dir = "${file(`${name}-wal`)}"
[hinted-handoff]
  dir = "${file(`${name}-hh`)}"
[http]
  bind-address = "${at(86)}"
${settings.more ?? ''}`;
    const path = this.path(`${name}.conf`);
    writeFileSync(path, text);
    return path;
  }

  /** Starts a daemon; it is ended with the workshop. */
  start(bin: Bin, ...args: readonly string[]): LoneDaemon {
    return this.#spawn(bin, args, 'pipe');
  }

  /** The same with both outputs going to a file. */
  startInto(file: string, bin: Bin, ...args: readonly string[]): LoneDaemon {
    const fd = openSync(file, 'w');
    try {
      return this.#spawn(bin, args, fd);
    } finally {
      closeSync(fd);
    }
  }

  #spawn(bin: Bin, args: readonly string[], output: 'pipe' | number): LoneDaemon {
    const child = spawn(join(this.#programs, bin), args, {
      stdio: ['ignore', output, output],
      env: { ...process.env, ...unmonitored },
    });
    this.#running.push(child);
    return new LoneDaemon(child);
  }
}

/** Runs a command to its end. */
export function run(bin: Bin, ...args: readonly string[]): Finished {
  return spawnSync(join(programsHere, bin), args, { encoding: 'utf8', timeout: endMsMax });
}

/** One that runs, and what it has said on both outputs. */
export class LoneDaemon {
  readonly child: ChildProcess;
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>;
  #output = '';

  constructor(child: ChildProcess) {
    this.child = child;
    child.stdout?.on('data', (part: Buffer) => (this.#output += part.toString()));
    child.stderr?.on('data', (part: Buffer) => (this.#output += part.toString()));
    this.ended = new Promise((resolve) =>
      child.once('close', (code, signal) => {
        resolve(code ?? signal);
      }),
    );
  }

  get output(): string {
    return this.#output;
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(() => {
      if (!pattern.test(this.#output)) throw new Error(`${pattern} is not in: ${this.#output}`);
      return Promise.resolve();
    }, 30_000);
  }
}
