import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const hasPrometheus = spawnSync('prometheus', ['--version']).status === 0;
if (!hasPrometheus) process.stdout.write('no prometheus: its test is skipped\n');

const limitMs = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'varve-prometheus-'));
let node: OneNode;
let prometheus: ChildProcess | undefined;

beforeAll(async () => {
  node = await startOneNode(folder, { workerCount: 1 });
  await query('CREATE DATABASE p');
});
afterAll(async () => {
  if (prometheus !== undefined && prometheus.exitCode === null) {
    const ended = new Promise((resolve) => prometheus?.once('exit', resolve));
    prometheus.kill('SIGKILL');
    await ended;
  }
  await node.close();
  rmSync(folder, { recursive: true });
}, limitMs);

async function query(q: string): Promise<string> {
  const body = new URLSearchParams({ db: 'p', q });
  return (await fetch(`${node.url}/query`, { method: 'POST', body })).text();
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}

test.runIf(hasPrometheus)(
  'prometheus: writes what it scrapes, and reads back what it does not have itself',
  async () => {
    const port = await freePort();
    const api = `http://127.0.0.1:${port}`;
    const config = join(folder, 'prometheus.yml');
    writeFileSync(
      config,
      `global: { scrape_interval: 1s }
scrape_configs:
  - job_name: self
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
remote_write:
  - url: ${node.url}/api/v1/prom/write?db=p
    queue_config: { batch_send_deadline: 1s }
remote_read:
  - url: ${node.url}/api/v1/prom/read?db=p
    read_recent: true
`,
    );
    const options = ['--config.file', config, '--storage.tsdb.path', join(folder, 'tsdb'), '--web.listen-address', `127.0.0.1:${port}`, '--log.level', 'error']; // prettier-ignore
    prometheus = spawn('prometheus', options.map(String), { stdio: 'ignore' });
    await eventually(async () => {
      expect(await query('SELECT last(value) FROM up GROUP BY *')).toContain('"job":"self"');
    }, 60_000);
    // A series that it has never scraped, a year ago.
    const lines = 'old,__name__=old,host=a\\ b value=41.5 1700000000000000000\nold,__name__=old,host=c value=1 1700000000000000000'; // prettier-ignore
    await fetch(`${node.url}/write?db=p`, { method: 'POST', body: lines });
    const asked = new URLSearchParams({ query: 'old{host=~"a.*"}', time: '1700000001' });
    const answer = await (await fetch(`${api}/api/v1/query?${asked.toString()}`)).json();
    expect(answer).toEqual({
      status: 'success',
      data: {
        resultType: 'vector',
        result: [{ metric: { __name__: 'old', host: 'a b' }, value: [1700000001, '41.5'] }],
      },
    });
  },
  limitMs,
);
