import { spawnSync } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { request as requestPlain } from 'node:http';
import { Agent, request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectSecurely } from 'node:tls';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const [metaPort, dataPort] = [25_300, 25_400];
const httpPort = dataPort + 86;
const testdata = join(import.meta.dirname, '../../src/env/node/network/testdata');
const [certificate, key] = [workshop.path('cert.pem'), workshop.path('key.pem')];
const ca = readFileSync(join(testdata, 'outbound-cert.pem'));
const hasShell = spawnSync('influx', ['-version']).status === 0;
let data: LoneDaemon;

function configOf(name: string, port: number, tls = ''): string {
  const http = `  https-enabled = true\n  https-certificate = "${certificate}"\n  https-private-key = "${key}"\n`;
  return workshop.config({ port, name, more: `${http}[tls]\n${tls}` });
}

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  copyFileSync(join(testdata, 'outbound-cert.pem'), certificate);
  copyFileSync(join(testdata, 'outbound-key.pem'), key);
  chmodSync(key, 0o600);
  workshop.start('influxd-meta', '-config', workshop.config({ port: metaPort, name: 'm' }));
  data = workshop.start(
    'influxd',
    '-config',
    configOf('d', dataPort, '  min-version = "tls1.2"\n'),
  );
  await eventually(() => fetch(`http://127.0.0.1:${metaPort + 91}/ping`), 30_000);
  await data.says(/Listening on HTTP.*https=true/);
  for (const [command, port] of [['add-meta', metaPort + 91], ['add-data', dataPort + 88]] as const) // prettier-ignore
    expect(run('influxd-ctl', '-bind', `127.0.0.1:${metaPort + 91}`, command, `127.0.0.1:${port}`)).toMatchObject({ status: 0 }); // prettier-ignore
}, limitMs);
afterAll(() => workshop.close(), limitMs);

/** Status and body of a request in secret; the node is who its certificate says. */
function ask(path: string, body?: string | Buffer, agent = new Agent({ ca })): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = { host: 'localhost', port: httpPort, path, method: body === undefined ? 'GET' : 'POST', agent }; // prettier-ignore
    const sent = request(options, (answer) => {
      const parts: Buffer[] = [];
      answer.on('data', (part: Buffer) => parts.push(part));
      answer.on('end', () => {
        resolve(`${answer.statusCode} ${Buffer.concat(parts).toString()}`);
      });
    });
    sent.on('error', reject);
    sent.end(body);
  });
}

const query = (q: string) => ask(`/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`, '');

test(
  'https: writes and queries go through it, many at once and on one connection',
  async () => {
    await eventually(async () => {
      expect(await query('CREATE DATABASE d')).toMatch(/^200 .*"statement_id":0\}/);
    }, 20_000);
    const agent = new Agent({ ca, keepAlive: true, maxSockets: 4 });
    const bodies = Array.from(
      { length: 40 },
      (_, i) =>
      Array.from({ length: 2_000 }, (_, j) => `m,host=h${j % 10} f=${i},s="${'x'.repeat(100)}" ${i * 2_000 + j}`).join('\n'), // prettier-ignore
    );
    const answers = await Promise.all(bodies.map((body) => ask('/write?db=d', body, agent)));
    expect(new Set(answers)).toEqual(new Set(['204 ']));
    expect(await query('SELECT count(f) FROM m')).toContain('"values":[[0,80000]]');
    const all = await ask(`/query?db=d&q=${encodeURIComponent('SELECT s FROM m')}`, '', agent);
    expect(all.match(/x{100}/g)).toHaveLength(80_000);
    agent.destroy();
  },
  limitMs,
);

test('https: a client that speaks plain HTTP is told so, one that says nonsense is left', async () => {
  const plain = await new Promise<string>((resolve, reject) => {
    requestPlain({ host: 'localhost', port: httpPort, path: '/ping' }, (answer) => {
      let text = `${answer.statusCode} `;
      answer.on('data', (part: Buffer) => (text += part.toString()));
      answer.on('end', () => {
        resolve(text);
      });
    }).on('error', reject).end(); // prettier-ignore
  });
  expect(plain).toBe('400 Client sent an HTTP request to an HTTPS server.\n');
  const nonsense = connect({ host: 'localhost', port: httpPort });
  nonsense.on('error', () => undefined).resume();
  nonsense.write(Buffer.concat([Buffer.from([22, 3, 1, 0, 200]), Buffer.alloc(300, 7)]));
  await new Promise((resolve) => nonsense.once('close', resolve));
  expect(await ask('/ping')).toBe('204 ');
});

test('https: a version below min-version is refused', async () => {
  const old = connectSecurely({ host: 'localhost', port: httpPort, ca, minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' }); // prettier-ignore
  const error = await new Promise<Error>((resolve) => old.once('error', resolve));
  expect(error.message).toMatch(/protocol version|no protocols available|unsupported protocol/);
});

test('https: metas know the scheme of the node', async () => {
  await eventually(async () => {
    const shown = await fetch(`http://127.0.0.1:${metaPort + 91}/show-cluster`);
    expect(await shown.text()).toMatch(/"addr":"127.0.0.1:\d+","httpScheme":"https"/);
  }, 20_000);
});

test.runIf(hasShell)('https: the influx shell speaks it', () => {
  const args = ['-ssl', '-unsafeSsl', '-host', 'localhost', '-port', String(httpPort)];
  const asked = spawnSync('influx', [...args, '-execute', 'SELECT count(f) FROM d..m'], { encoding: 'utf8' }); // prettier-ignore
  expect(asked.stdout).toContain('80000');
});

test(
  'https: SIGHUP reads the certificate anew, and keeps the old one where the new one is wrong',
  async () => {
    writeFileSync(key, 'junk');
    data.child.kill('SIGHUP');
    await data.says(/Error loading TLS certificate, continuing to use previously loaded certificate.*failed to find any PEM data in key input/); // prettier-ignore
    expect(await ask('/ping')).toBe('204 ');
    // Its mode stays.
    writeFileSync(key, readFileSync(join(testdata, 'outbound-key.pem')));
    data.child.kill('SIGHUP');
    await data.says(/Successfully loaded TLS certificate/);
    expect(await ask('/ping')).toBe('204 ');
  },
  limitMs,
);

test(
  'https: a node does not start with a key that others may read, or with a suite that nobody knows',
  () => {
    chmodSync(key, 0o644);
    const open = run('influxd', '-config', configOf('open', 25_500));
    chmodSync(key, 0o600);
    expect(open.status).toBe(1);
    expect(open.stderr).toContain(
      `run: open server: open service: httpd: error creating TLS manager: LoadCertificate: file permissions are too open: for "${key}", maximum is 0600 (-rw-------) but found 0644 (-rw-r--r--); extra permissions: 0044 (----r--r--)`,
    );
    const suite = run(
      'influxd',
      '-config',
      configOf('suite', 25_500, '  ciphers = ["TLS_NOPE"]\n'),
    );
    expect(suite.status).toBe(1);
    expect(suite.stderr).toContain('unknown cipher suite: "TLS_NOPE". available ciphers: TLS_AES_128_GCM_SHA256, '); // prettier-ignore
  },
  limitMs,
);

test(
  'https: SIGTERM ends the node although clients keep their connections',
  async () => {
    const agent = new Agent({ ca, keepAlive: true });
    expect(await ask('/ping', undefined, agent)).toBe('204 ');
    const silent = connect({ host: 'localhost', port: httpPort });
    silent.on('error', () => undefined).resume();
    await new Promise((resolve) => silent.once('connect', resolve));
    data.child.kill('SIGTERM');
    expect(await data.ended).toBe(0);
    agent.destroy();
  },
  limitMs,
);
