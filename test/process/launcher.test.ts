import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';

const root = join(import.meta.dirname, '../..');
const script = join(root, 'scripts/dev-cluster.ts');
/** npm is called here; the folder of the cluster is given relative to it. */
const cwd = join(root, 'docs');
const limitMs = 180_000;
const offset = 16_300;
const small = ['--metas', '1', '--data', '1', '--port-offset', `${offset}`];
const data = `http://127.0.0.1:${offset + 8086}`;
const top = mkdtempSync(join(tmpdir(), 'varve launcher-'));
const dir = join(top, 'it');
const started: ChildProcess[] = [];

/** A launcher, and what it has said. */
class Launcher {
  readonly child: ChildProcess;
  readonly ended: Promise<number | string | null>;
  output = '';

  constructor(child: ChildProcess) {
    started.push(child);
    this.child = child;
    child.stdout?.on('data', (part: Buffer) => (this.output += part.toString()));
    child.stderr?.on('data', (part: Buffer) => (this.output += part.toString()));
    this.ended = new Promise((resolve) =>
      child.once('exit', (code, signal) => {
        resolve(code ?? signal);
      }),
    );
  }

  async says(pattern: RegExp): Promise<void> {
    await eventually(() => {
      if (!pattern.test(this.output)) throw new Error(`${pattern} is not in: ${this.output}`);
      return Promise.resolve();
    }, 90_000);
  }

  /** Process ids of the nodes. */
  get nodes(): readonly number[] {
    return [...this.output.matchAll(/# pid (\d+)/g)].map(([, pid]) => Number(pid));
  }

  async nodesAreGone(): Promise<void> {
    expect(this.nodes).toHaveLength(2);
    await eventually(() => {
      expect(this.nodes.filter(isAlive)).toEqual([]);
      return Promise.resolve();
    }, 40_000);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** In a process group of its own, as a terminal starts it. */
function npmStart(...args: readonly string[]): Launcher {
  const all = ['start', '--', '--dir', relative(cwd, dir), ...args];
  return new Launcher(spawn('npm', all, { cwd, detached: true }));
}

function launch(...args: readonly string[]): Launcher {
  return new Launcher(spawn(process.execPath, [script, '--dir', dir, ...args]));
}

function refused(...args: readonly string[]): string {
  const environment = { ...process.env, INIT_CWD: cwd };
  const done = spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', env: environment }); // prettier-ignore
  expect(done.status).toBe(1);
  return done.stderr;
}

async function query(q: string): Promise<string> {
  const body = new URLSearchParams({ q, db: 'd', epoch: 'ns' });
  return (await fetch(`${data}/query`, { method: 'POST', body })).text();
}

afterEach(() => {
  for (const { pid } of started.splice(0)) if (pid !== undefined && isAlive(pid)) process.kill(pid, 'SIGINT'); // prettier-ignore
});
afterAll(() => {
  rmSync(top, { recursive: true });
});

test(
  'npm start: from any folder; a dead node is reported, and the printed command starts it again; Ctrl-C ends all',
  async () => {
    const npm = npmStart(...small);
    await npm.says(/^ready: data nodes http:\/\/127\.0\.0\.1:24386, meta http:\/\/127\.0\.0\.1:24391$/m); // prettier-ignore
    await query('CREATE DATABASE d');
    const lines = { method: 'POST', body: 'm f=1 1' };
    expect((await fetch(`${data}/write?db=d`, lines)).status).toBe(204);
    process.kill(npm.nodes[1] ?? 0, 'SIGKILL');
    await npm.says(/^data-1 has died: SIGKILL\n {2}.*lvl=info/m);
    const command = /^data-1: (.*)$/m.exec(npm.output)?.[1] ?? '';
    const byHand = new Launcher(spawn('sh', ['-c', `exec ${command}`], { cwd }));
    await eventually(async () => {
      expect(await query('SELECT f FROM m')).toContain('[1,1]');
    }, 30_000);
    byHand.child.kill('SIGTERM');
    expect(await byHand.ended).toBe(0);
    process.kill(-(npm.child.pid ?? 0), 'SIGINT');
    // What npm itself ends with is npm's own affair.
    await npm.ended;
    await npm.nodesAreGone();
  },
  limitMs,
);

test(
  'npm start: a second start finds the data, and no node outlives an npm that was killed',
  async () => {
    const npm = npmStart();
    await npm.says(/^ready/m);
    expect(await query('SELECT f FROM m')).toContain('[1,1]');
    expect(refused('--dir', relative(cwd, dir))).toContain(`${dir} is in use by another launcher`);
    const taken = refused('--dir', join(top, 'other'), ...small);
    expect(taken).toContain('port 24386 is taken (data-1)');
    expect(taken).toContain('port 24389 is taken (meta-1)');
    // A port that is taken stops it before --fresh removes anything.
    expect(existsSync(join(dir, 'data-1/wal'))).toBe(true);
    npm.child.kill('SIGKILL');
    await npm.nodesAreGone();
  },
  limitMs,
);

test(
  'launcher: what a kept cluster cannot be is refused, and so are options that make no sense',
  () => {
    const at = ['--dir', dir];
    const holds = `${dir} holds a cluster of 1 metas and 1 data nodes at --port-offset ${offset}`;
    expect(refused(...at, '--port-offset', '16400')).toContain(`${holds}: its nodes know each other by their ports`); // prettier-ignore
    const path = join(dir, 'cluster.json');
    const kept = readFileSync(path, 'utf8');
    writeFileSync(path, kept.replace('"metas": 1', '"metas": 3'));
    expect(refused(...at, '--metas', '1')).toContain('fewer nodes would leave out members of it');
    writeFileSync(path, kept);
    expect(refused(...at, '--data', '0')).toBe(
      '--data must be a whole number of at least 1, not 0\n',
    );
    expect(refused(...at, '--what')).toContain(`Unknown option '--what'`);
    const high = refused('--dir', join(top, 'high'), '--port-offset', '60000');
    expect(high).toBe('meta-1 would have port 68091: there is none\n');
  },
  limitMs,
);

test(
  'launcher: a folder that cannot be one is told with the reason, and help is given',
  () => {
    const file = join(top, 'a file');
    writeFileSync(file, '');
    const piped = join(top, 'piped');
    mkdirSync(piped);
    spawnSync('mkfifo', [join(piped, '.lock')]);
    const cannot = (path: string, why: string) => `--dir ${path} cannot be used: ${why}\n`;
    expect(refused('--dir', file)).toBe(cannot(file, 'it is not a folder, or not in one'));
    expect(refused('--dir', join(file, 'x'))).toBe(cannot(join(file, 'x'), 'it is not a folder, or not in one')); // prettier-ignore
    expect(refused('--dir', '/proc/none')).toBe(cannot('/proc/none', 'there is no place for it'));
    expect(refused('--dir', piped)).toBe(cannot(piped, '.lock in it is not a file'));
    const long = join(top, 'x'.repeat(300));
    expect(refused('--dir', long)).toBe(cannot(long, 'its name is too long'));
    expect(refused('--dir', '')).toBe('--dir must name a folder\n');
    const help = spawnSync(process.execPath, [script, '--help'], { encoding: 'utf8' });
    expect(help).toMatchObject({ status: 0, stderr: '' });
    expect(help.stdout).toMatch(/^Usage: npm start -- \[options\]\n(.*\n)+ {2}--port-offset N /);
  },
  limitMs,
);

test(
  'launcher: it ends when a node cannot start, and says why',
  async () => {
    const path = join(dir, 'data-1/influxdb.conf');
    const text = readFileSync(path, 'utf8');
    writeFileSync(path, text.replace('log-enabled = false', 'log-enabled = 7'));
    const launcher = launch();
    expect(await launcher.ended).toBe(1);
    await launcher.says(/^data-1 has died: exit code 1\n(.*\n)* {2}.*log-enabled = 7: /m); // prettier-ignore
    await launcher.nodesAreGone();
    writeFileSync(path, text);
  },
  limitMs,
);

test(
  'launcher: --fresh forgets the cluster and nothing else; its nodes end with it, however it ends',
  async () => {
    writeFileSync(join(dir, 'mine.txt'), 'kept');
    const fresh = launch('--fresh', ...small);
    await fresh.says(/^ready/m);
    expect(await query('SHOW DATABASES')).not.toContain('"d"');
    expect(readFileSync(join(dir, 'mine.txt'), 'utf8')).toBe('kept');
    fresh.child.kill('SIGKILL');
    await fresh.nodesAreGone();
    const again = launch();
    await again.says(/^ready/m);
    again.child.kill('SIGHUP');
    expect(await again.ended).toBe(0);
    await again.says(/^try: .*bin\/influxd-ctl -bind 127\.0\.0\.1:\d+ show$/m);
    await again.nodesAreGone();
  },
  limitMs,
);
