import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:https';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { run, Workshop, type Finished, type LoneDaemon } from '../support/lone-daemon.ts';

const limitMs = 120_000;
const workshop = new Workshop();
const [firstMeta, secondMeta, firstData, secondData, plainData] = [26_100, 26_200, 26_300, 26_400, 26_500]; // prettier-ignore
const at = (port: number, offset: number) => `127.0.0.1:${port + offset}`;
const testdata = join(import.meta.dirname, '../../src/env/node/network/testdata');
const [certificate, key] = [workshop.path('cert.pem'), workshop.path('tls-key.pem')];
const ca = readFileSync(join(testdata, 'outbound-cert.pem'));
/** Of metas and of data nodes: each passes over what it does not know. */
const secure = {
  SSL_CERT_FILE: certificate,
  INFLUXDB_META_HTTPS_ENABLED: 'true',
  INFLUXDB_META_HTTPS_CERTIFICATE: certificate,
  INFLUXDB_META_HTTPS_PRIVATE_KEY: key,
  INFLUXDB_META_DATA_USE_TLS: 'true',
  INFLUXDB_META_META_TLS_ENABLED: 'true',
  INFLUXDB_CLUSTER_HTTPS_ENABLED: 'true',
  INFLUXDB_CLUSTER_HTTPS_CERTIFICATE: certificate,
  INFLUXDB_CLUSTER_HTTPS_PRIVATE_KEY: key,
};
let data: LoneDaemon;
let meta: LoneDaemon;

/** Runs `work` with more in the environment of what it starts. */
function within<T>(more: Readonly<Record<string, string>>, work: () => T): T {
  Object.assign(process.env, more);
  try {
    return work();
  } finally {
    for (const name of Object.keys(more)) Reflect.deleteProperty(process.env, name);
  }
}

function ctl(bind: string, ...command: readonly string[]): Finished {
  return within({ SSL_CERT_FILE: certificate }, () =>
    run('influxd-ctl', '-bind', bind, '-bind-tls', '-timeout', '30s', ...command),
  );
}

function metaSays(port: number, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(
      `https://${at(port, 91)}${path}`,
      { agent: new Agent({ ca }) },
      (answer) => {
        let text = '';
        answer.on('data', (part: Buffer) => (text += part.toString()));
        answer.on('end', () => {
          resolve(text);
        });
      },
    );
    sent.on('error', reject);
    sent.end();
  });
}

async function ask(port: number, path: string, body?: string): Promise<string> {
  const answer = await fetch(`http://${at(port, 86)}${path}`, { method: 'POST', body: body ?? '' });
  return `${answer.status} ${await answer.text()}`;
}

const query = (port: number, q: string) => ask(port, `/query?db=d&epoch=ns&q=${encodeURIComponent(q)}`); // prettier-ignore
const metaConfig = (port: number, name: string) => workshop.config({ port, name });

beforeAll(async () => {
  workshop.keygen('key');
  workshop.issue('good.json', '--days', '2', '--data-nodes', '9');
  copyFileSync(join(testdata, 'outbound-cert.pem'), certificate);
  mkdirSync(workshop.path('backup'));
  copyFileSync(join(testdata, 'outbound-key.pem'), key);
  chmodSync(key, 0o600);
  within(secure, () => {
    meta = workshop.start('influxd-meta', '-config', metaConfig(firstMeta, 'm1'));
    workshop.start('influxd-meta', '-config', metaConfig(secondMeta, 'm2'));
    data = workshop.start('influxd', '-config', metaConfig(firstData, 'd1'));
    workshop.start('influxd', '-config', metaConfig(secondData, 'd2'));
  });
  for (const port of [firstMeta, secondMeta])
    await eventually(() => metaSays(port, '/ping'), 30_000);
  for (const port of [firstData, secondData])
    await eventually(() => fetch(`http://${at(port, 86)}/ping`), 30_000);
}, limitMs);
afterAll(() => workshop.close(), limitMs);

test(
  'secure peers: metas and data nodes find each other, and writes and queries go between them',
  async () => {
    for (const port of [firstMeta, secondMeta])
      expect(ctl(at(firstMeta, 91), 'add-meta', at(port, 91))).toMatchObject({ status: 0 });
    // Asked of one that does not lead it goes on to the one that does.
    expect(ctl(at(secondMeta, 91), 'add-data', at(firstData, 88))).toMatchObject({ status: 0 });
    expect(ctl(at(firstMeta, 91), 'add-data', at(secondData, 88))).toMatchObject({ status: 0 });
    await eventually(async () => {
      expect(await query(firstData, 'CREATE DATABASE d WITH REPLICATION 2')).toContain('"statement_id":0}'); // prettier-ignore
    }, 20_000);
    const lines = Array.from({ length: 5_000 }, (_, i) => `m,host=h${i % 7} v=${i} ${i}`).join(
      '\n',
    );
    for (const port of [firstData, secondData])
      expect(await ask(port, '/write?db=d&consistency=all', lines)).toBe('204 ');
    for (const port of [firstData, secondData])
      expect(await query(port, 'SELECT count(v) FROM m')).toContain('"values":[[0,5000]]');
    await eventually(async () => {
      expect(await metaSays(firstMeta, '/show-cluster')).toMatch(
        /"meta":\[\{[^}]*"httpScheme":"https"/,
      );
    }, 20_000);
  },
  limitMs,
);

test(
  'secure peers: influxd-ctl backs up by TLS, and without it or without trust says why not',
  () => {
    const saved = ctl(at(firstMeta, 91), 'backup', workshop.path('backup'));
    expect(saved).toMatchObject({ status: 0 });
    expect(saved.stdout).toContain('Backed up to');
    expect(ctl(at(firstMeta, 91), 'entropy', 'show').status).toBe(0);
    const plain = run('influxd-ctl', '-bind', at(firstMeta, 91), 'show');
    expect(plain).toMatchObject({ status: 1 });
    expect(plain.stderr).toContain('Client sent an HTTP request to an HTTPS server.');
    const untrusted = run('influxd-ctl', '-bind', at(firstMeta, 91), '-bind-tls', 'show');
    expect(untrusted).toMatchObject({ status: 1 });
    expect(untrusted.stderr).toContain('x509: certificate signed by unknown authority');
    expect(run('influxd-ctl', '-bind', at(firstMeta, 91), '-bind-tls', '-k', 'show').status).toBe(
      0,
    );
  },
  limitMs,
);

test(
  'secure peers: a data node without TLS is not taken, and is named with the reason',
  async () => {
    workshop.start('influxd', '-config', metaConfig(plainData, 'd3'));
    await eventually(() => fetch(`http://${at(plainData, 86)}/ping`), 30_000);
    const refused = ctl(at(firstMeta, 91), 'add-data', at(plainData, 88));
    expect(refused).toMatchObject({ status: 1 });
    expect(refused.stderr).toContain('first record does not look like a TLS handshake');
  },
  limitMs,
);

test(
  'secure peers: SIGHUP reads the certificate of the ports between nodes anew, on both kinds of them',
  async () => {
    for (const node of [data, meta]) {
      writeFileSync(key, 'junk');
      node.child.kill('SIGHUP');
      await node.says(/Error loading TLS certificate, continuing to use previously loaded certificate.*failed to find any PEM data in key input/); // prettier-ignore
      writeFileSync(key, readFileSync(join(testdata, 'outbound-key.pem')));
      node.child.kill('SIGHUP');
      await node.says(/Successfully loaded TLS certificate/);
    }
    expect(ctl(at(firstMeta, 91), 'show').status).toBe(0);
    expect(await query(firstData, 'SELECT count(v) FROM m')).toContain('"values":[[0,5000]]');
  },
  limitMs,
);

test(
  'secure peers: a node does not start with a certificate that is not there',
  () => {
    const lacking = { ...secure, INFLUXDB_CLUSTER_HTTPS_CERTIFICATE: workshop.path('none.pem') };
    const config = metaConfig(26_600, 'lacking');
    const refused = within(lacking, () => run('influxd', '-config', config));
    expect(refused.status).toBe(1);
    expect(refused.stderr).toContain(`run: open server: open service: cluster: error creating TLS manager: LoadCertificate: error opening "${workshop.path('none.pem')}" for reading: open ${workshop.path('none.pem')}: no such file or directory`); // prettier-ignore
  },
  limitMs,
);
