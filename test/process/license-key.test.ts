import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const portalPort = 25_892;
const exchange = `http://127.0.0.1:${portalPort}/v1/licenses`;
const workshop = new Workshop();
let licenseKey = '';

/** A licence that it gives counts for eight seconds: renewed after four. */
function startPortal(...more: readonly string[]): LoneDaemon {
  const files = ['--private-key', workshop.path('key'), '--keys', workshop.path('keys.json')];
  const place = ['--bind', `127.0.0.1:${portalPort}`, '--lifetime', '8s'];
  return workshop.start('influxd-license', 'serve', ...files, ...place, ...more);
}

function makeKey(...more: readonly string[]): string {
  const made = run('influxd-license', 'key', '--keys', workshop.path('keys.json'), ...more);
  expect(made).toMatchObject({ status: 0, stderr: '' });
  return made.stdout.trim();
}

function config(port: number, key: string): string {
  const portalUrl = `http://127.0.0.1:${portalPort}/`;
  return workshop.config({ port, name: `n${port}`, license: '', licenseKey: key, portalUrl });
}

async function stop(daemon: LoneDaemon): Promise<void> {
  daemon.child.kill('SIGTERM');
  expect(await daemon.ended).toBe(0);
}

beforeAll(() => {
  workshop.keygen('key');
  licenseKey = makeKey('--data-nodes', '1', '--cores', '1');
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test(
  'license key: the portal exchanges those it knows, keeps no key, and refuses the rest',
  async () => {
    expect(readFileSync(workshop.path('keys.json'), 'utf8')).not.toContain(licenseKey);
    const portal = startPortal();
    await portal.says(/^Serving licenses on 127\.0\.0\.1:25892$/m);
    const post = async (body: string, url = exchange) => {
      const answer = await fetch(url, { method: 'POST', body });
      return [answer.status, await answer.text()] as const;
    };
    const [status, text] = await post(JSON.stringify({ licenseKey }));
    expect(status).toBe(200);
    writeFileSync(workshop.path('given.json'), text);
    const key = workshop.path('key.pub');
    const shown = run('influxd-license', 'inspect', workshop.path('given.json'), '--public-key', key); // prettier-ignore
    expect(JSON.parse(shown.stdout)).toMatchObject({ type: 'license-key', dataNodesMax: 1 });
    expect(await post('{"licenseKey":"x"}')).toEqual([
      404,
      '{"error":"the license key is not known"}\n',
    ]);
    expect((await post('x'.repeat(5_000)))[0]).toBe(413);
    expect((await post('{}', `http://127.0.0.1:${portalPort}/other`))[0]).toBe(404);
    expect((await fetch(exchange)).status).toBe(405);
    expect(portal.output).not.toContain(licenseKey);
    await stop(portal);
  },
  limitMs,
);

test(
  'license key: exchanged at the start, renewed, kept on disk while the portal is away and taken up when it is back',
  async () => {
    const first = startPortal();
    await first.says(/^Serving licenses/m);
    const metaFile = config(25_700, licenseKey);
    const dataFile = config(25_800, licenseKey);
    const meta = workshop.start('influxd-meta', '-single-server', '-config', metaFile);
    const data = workshop.start('influxd', '-config', dataFile);
    const expiry = async (): Promise<string> => {
      const vars = await (await fetch('http://127.0.0.1:25886/debug/vars')).json();
      const { values } = (vars as { entitlements: { values: Record<string, string> } }).entitlements; // prettier-ignore
      expect(values['licenseType']).toBe('license-key');
      return values['licenseExpiry'] ?? '';
    };
    let given = '';
    await eventually(async () => {
      given = await expiry();
    }, 30_000);
    await data.says(/msg="Renewed the license"/);
    await meta.says(/msg="Renewed the license"/);
    // What was given may be of the first renewal already: the next one comes.
    await eventually(async () => {
      expect((await expiry()) > given).toBe(true);
    }, 30_000);
    await stop(first);
    await data.says(/msg="The license was not renewed, it is tried again".* is away: /);
    await meta.says(/msg="The license was not renewed, it is tried again"/);
    // SIGHUP asks the portal, and changes nothing as long as that is away.
    data.child.kill('SIGHUP');
    await data.says(/msg="The license was not reloaded, the one before stays"/);
    // What is kept on disk starts the node again, with the portal away.
    expect(existsSync(workshop.path('n25800-meta/license.json'))).toBe(true);
    const second = startPortal('--lifetime', '60s');
    await second.says(/^Serving licenses/m);
    await data.says(/Renewed the license.*[^]*was not renewed.*[^]*Renewed the license/);
    await meta.says(/Renewed the license.*[^]*was not renewed.*[^]*Renewed the license/);
    await stop(second);
    await stop(data);
    const again = workshop.start('influxd', '-config', dataFile);
    await again.says(/msg="The license key was not exchanged, the license on disk counts"/);
    await eventually(async () => {
      expect((await fetch('http://127.0.0.1:25886/ping')).status).toBe(204);
    }, 30_000);
    // The same file is of no use with another key.
    await stop(again);
    const stranger = workshop.start('influxd', '-config', config(25_800, makeKey()));
    expect(await stranger.ended).toBe(1);
    expect(stranger.output).toContain('run: create server: license key verification failed: ');
    for (const { output } of [meta, data, again]) expect(output).not.toContain(licenseKey);
  },
  limitMs,
);
