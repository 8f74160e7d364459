import { execFileSync, spawnSync } from 'node:child_process';
import { createPrivateKey } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { signLicense } from '../../src/license/license-file.ts';
import type { License } from '../../src/license/license.ts';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop } from '../support/lone-daemon.ts';

const bin = join(import.meta.dirname, '../../bin/influxd-license');
const limitMs = 120_000;
const dayMs = 86_400_000;
const workshop = new Workshop();

/** A licence that the command would not issue. */
function sign(name: string, change: Partial<License>): void {
  const license = {
    id: name,
    type: 'license-path',
    notBeforeMs: Date.now() - 2 * dayMs,
    expiresAtMs: Date.now() + dayMs,
    dataNodesMax: 1,
    coresMax: 1,
    ...change,
  };
  const key = createPrivateKey(readFileSync(workshop.path('key')));
  writeFileSync(workshop.path(name), signLicense(license, key));
}

beforeAll(() => {
  workshop.keygen('key');
  workshop.keygen('other');
  sign('good.json', {});
  sign('expired.json', { expiresAtMs: Date.now() - 1_000 });
  sign('early.json', { notBeforeMs: Date.now() + dayMs, expiresAtMs: Date.now() + 2 * dayMs });
  const text = readFileSync(workshop.path('good.json'), 'utf8');
  const { license, ...rest } = JSON.parse(text) as { license: string };
  const more = Buffer.from(license, 'base64').toString().replace('"coresMax":1', '"coresMax":9');
  const tampered = { ...rest, license: Buffer.from(more).toString('base64') };
  writeFileSync(workshop.path('tampered.json'), JSON.stringify(tampered));
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test('influxd-license: keygen, issue and inspect from any folder; a changed file fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-license-'));
  const command = (text: string) =>
    spawnSync(bin, text.split(' '), { cwd: folder, encoding: 'utf8' });
  try {
    execFileSync(bin, ['keygen', '--private-key', 'key', '--public-key', 'key.pub'], {
      cwd: folder,
    });
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
    expect(command('keygen --private-key key --public-key key.pub').status).toBe(1);
    expect(command('issue --private-key key --out l.json --data-nodes 3').status).toBe(0);
    const shown = command('inspect l.json --public-key key.pub');
    expect(shown.stderr).toBe('');
    expect(JSON.parse(shown.stdout)).toMatchObject({ dataNodesMax: 3, coresMax: 2 });
    expect(command('issue --private-key key --out x.json --days 0').stderr).toContain(
      '--days must be a whole number above 0, not 0',
    );
    const path = join(folder, 'l.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"signature": "', '"signature": "AA'));
    const changed = command('inspect l.json --public-key key.pub');
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('license key verification failed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test.each([
  [
    'neither key is set',
    { license: '' },
    '[enterprise] neither license-key nor license-path is set',
  ],
  ['both keys are set', { licenseKey: 'abc' }, '[enterprise] license-key and license-path are both set, set one'], // prettier-ignore
  [
    'there is a key and no portal',
    { license: '', licenseKey: 'abc' },
    '[enterprise] license-portal-url is not set',
  ],
  ['the portal is away', { license: '', licenseKey: 'abc', portalUrl: 'http://127.0.0.1:32399' }, 'the portal at http://127.0.0.1:32399 is away: '], // prettier-ignore
  ['the file is not there', { license: 'none.json' }, 'ENOENT'],
  ['it was tampered with', { license: 'tampered.json' }, 'it is not signed by a trusted key, or was changed'], // prettier-ignore
  ['another key signed it', { publicKey: 'other.pub' }, 'it is not signed by a trusted key'],
  ['it has expired', { license: 'expired.json' }, 'it expired at '],
  ['it is not yet valid', { license: 'early.json' }, 'it is not valid before '],
])(
  'licence: both daemons abort when %s',
  async (_name, settings, reason) => {
    const file = workshop.config({ port: 32_300, ...settings });
    const started = (['influxd', 'influxd-meta'] as const).map((daemon) =>
      workshop.start(daemon, '-config', file),
    );
    for (const daemon of started) {
      expect(await daemon.ended).toBe(1);
      expect(daemon.output).toContain('run: create server: license key verification failed: ');
      expect(daemon.output).toContain(reason);
    }
  },
  limitMs,
);

test(
  'licence: the limits of nodes and cores, entitlements, and a new licence at SIGHUP',
  async () => {
    const expiresAtMs = Date.UTC(2030, 0, 2, 3, 4, 5, 678);
    sign('live.json', { expiresAtMs });
    const meta = workshop.config({ port: 32_400, name: 'm', license: 'live.json' });
    workshop.start('influxd-meta', '-single-server', '-config', meta);
    const [one, two] = [32_400, 32_500].map((port) => {
      const file = workshop.config({ port, name: `d${port}`, license: 'live.json' });
      return workshop.start('influxd', '-config', file);
    });
    for (const port of [32_486, 32_586])
      await eventually(async () => {
        expect((await fetch(`http://127.0.0.1:${port}/ping`)).status).toBe(204);
      }, 30_000);
    expect(one?.output).toMatch(/msg="Engine workers" .*workers=1 licensed=1 /);
    expect(two?.output).toMatch(/msg="Engine workers" .*workers=1 licensed=1 /);
    const add = (port: number) =>
      run('influxd-ctl', '-bind', '127.0.0.1:32491', 'add-data', `127.0.0.1:${port}`);
    expect(add(32_488)).toMatchObject({ stdout: 'Added data node 2 at 127.0.0.1:32488\n' });
    const words = 'the license allows 1 data nodes and the cluster has 1';
    expect(add(32_588)).toMatchObject({
      status: 1,
      stderr: `add-data: operation exited with error: ${words}\n`,
    });
    const shown = async () => {
      const vars = await (await fetch('http://127.0.0.1:32486/debug/vars')).json();
      return JSON.stringify((vars as Record<string, unknown>)['entitlements']);
    };
    const entitlements = (expiry: string) =>
      `{"name":"entitlements","tags":null,"values":{"licenseExpiry":"${expiry}","licenseType":"license-path"}}`;
    expect(await shown()).toBe(entitlements('2030-01-02T03:04:05Z'));
    sign('live.json', { expiresAtMs: Date.UTC(2031, 0, 1) });
    one?.child.kill('SIGHUP');
    await eventually(async () => {
      expect(await shown()).toBe(entitlements('2031-01-01T00:00:00Z'));
    }, 20_000);
    writeFileSync(workshop.path('live.json'), 'x');
    one?.child.kill('SIGHUP');
    await one?.says(/The license was not reloaded, the one before stays/);
    expect(await shown()).toBe(entitlements('2031-01-01T00:00:00Z'));
  },
  limitMs,
);
