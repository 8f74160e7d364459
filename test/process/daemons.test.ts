import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';

const root = join(import.meta.dirname, '../..');
const folder = mkdtempSync(join(tmpdir(), 'varve-daemons-'));
const path = (name: string): string => join(folder, name);
const run = (bin: string, ...args: string[]) => spawnSync(join(root, 'bin', bin), args, { encoding: 'utf8' }); // prettier-ignore
const limitMs = 60_000;

function license(name: string, ...more: string[]): void {
  const made = run('influxd-license', 'issue', '--private-key', path('key'), '--out', path(name), '--data-nodes', '1', ...more); // prettier-ignore
  expect(made.stderr).toBe('');
}

beforeAll(() => {
  for (const name of ['key', 'other'])
    run('influxd-license', 'keygen', '--private-key', path(name), '--public-key', path(`${name}.pub`)); // prettier-ignore
  license('good.json', '--days', '2');
  const text = readFileSync(path('good.json'), 'utf8');
  writeFileSync(path('tampered.json'), text.replace('"signature": "', '"signature": "AA'));
}, limitMs);
afterAll(() => {
  rmSync(folder, { recursive: true });
});

function config(settings: { license?: string; key?: string; more?: string } = {}): string {
  const { license: file = 'good.json', key = 'key.pub', more = '' } = settings;
  const text = `bind-address = "127.0.0.1:24088"
hostname = "127.0.0.1"
[enterprise]
  license-path = "${file === '' ? '' : path(file)}"
  license-public-key-path = "${path(key)}"
[meta]
  dir = "${path('meta')}"
  http-bind-address = "127.0.0.1:24091"
[data]
  dir = "${path('data')}"
  wal-dir = "${path('wal')}"
[http]
  bind-address = "127.0.0.1:24086"
${more}`;
  writeFileSync(path('node.conf'), text);
  return path('node.conf');
}

test.each([
  ['no licence', { license: '' }, 'license-path is not set'],
  ['a licence that is not there', { license: 'none.json' }, 'ENOENT'],
  ['a tampered licence', { license: 'tampered.json' }, 'not signed by a trusted key'],
  ['a licence of another key', { key: 'other.pub' }, 'not signed by a trusted key'],
])(
  'daemons: %s aborts the start of both',
  (_name, settings, reason) => {
    for (const bin of ['influxd', 'influxd-meta']) {
      const started = run(bin, '-config', config(settings));
      expect(started.status).toBe(1);
      expect(started.stderr).toContain('license key verification failed');
      expect(started.stderr).toContain(reason);
    }
  },
  limitMs,
);

test(
  'daemons: a key that protects, a wrong value and an unknown flag stop the start with their reason',
  () => {
    const refused = run('influxd', '-config', config({ more: '  auth-enabled = true' }));
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain(
      '[http] auth-enabled = true: this version does not enforce it',
    );
    const wrong = run('influxd', '-config', config({ more: '  max-body-size = "x"' }));
    expect(wrong.stderr).toContain('run: [http] max-body-size = "x": incompatible types');
    expect(wrong.stderr).toContain('To generate a valid configuration file run `influxd config > influxdb.generated.conf`'); // prettier-ignore
    expect(run('influxd-meta', '-what').stderr).toContain('flag provided but not defined: -what');
  },
  limitMs,
);

test(
  'daemons: config prints what config reads, and version says what it is',
  () => {
    const printed = run('influxd', 'config', '-config', '/dev/null');
    writeFileSync(path('printed.conf'), printed.stdout);
    expect(run('influxd', 'config', '-config', path('printed.conf')).stdout).toBe(printed.stdout);
    expect(printed.stdout).toContain('[http]\n  enabled = true\n');
    expect(run('influxd-meta', 'config', '-config', '/dev/null').stdout).toContain('lease-duration = "1m0s"'); // prettier-ignore
    expect(run('influxd', 'version').stdout).toBe(
      'InfluxDB v1.12.4-c1.12.4 (git: unknown unknown)\n',
    );
  },
  limitMs,
);

test(
  'daemons: notices, entitlements, SIGHUP for the level, SIGTERM ends with 0 and the pid file goes',
  async () => {
    const file = config({
      more: '[anti-entropy]\n  enabled = true\n[logging]\n  format = "logfmt"',
    });
    let output = '';
    const node: ChildProcess = spawn(join(root, 'bin/influxd'), ['-config', file, '-pidfile', path('pid')]); // prettier-ignore
    node.stderr?.on('data', (part: Buffer) => (output += part.toString()));
    const ended = new Promise((resolve) => node.once('exit', resolve));
    await eventually(async () => {
      expect((await fetch('http://127.0.0.1:24086/ping')).status).toBe(204);
    }, 20_000);
    expect(output).toContain('[anti-entropy] enabled is not in effect in this version');
    expect(readFileSync(path('pid'), 'utf8')).toBe(`${node.pid}`);
    const vars = (await (await fetch('http://127.0.0.1:24086/debug/vars')).json()) as Record<string, unknown>; // prettier-ignore
    expect(vars['entitlements']).toMatchObject({ name: 'entitlements', tags: null });
    const status = await (await fetch('http://127.0.0.1:24088/status')).json();
    expect(status).toMatchObject({ nodeType: 'data', nodeStatus: 'disjoined', httpAddr: '127.0.0.1:24086' }); // prettier-ignore
    config({ more: '[logging]\n  level = "debug"' });
    node.kill('SIGHUP');
    await eventually(() => {
      expect(output).toContain('Reloaded the configuration');
      return Promise.resolve();
    }, 10_000);
    node.kill('SIGTERM');
    expect(await ended).toBe(0);
    expect(existsSync(path('pid'))).toBe(false);
  },
  limitMs,
);
