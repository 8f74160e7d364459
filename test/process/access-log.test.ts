import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { eventually } from '../support/dev-cluster.ts';
import { Workshop } from '../support/lone-daemon.ts';
import { startOneNode, type OneNode } from '../support/one-node.ts';

const limitMs = 120_000;
const folder = mkdtempSync(join(tmpdir(), 'varve-access-log-'));
const workshop = new Workshop();
const lines: string[] = [];
let node: OneNode;

beforeAll(async () => {
  const accessLine = (line: string): void => void lines.push(line);
  const access = { workerCount: 1, accessLine, accessLog: { statusFilters: ['2xx', '40X'] } };
  node = await startOneNode(folder, access);
  await fetch(`${node.url}/query?q=${encodeURIComponent('CREATE DATABASE d')}`, { method: 'POST' });
  workshop.keygen('key');
  workshop.issue('good.json');
}, limitMs);
afterAll(async () => {
  await node.close();
  await workshop.close();
  rmSync(folder, { recursive: true });
}, limitMs);

type Sent = Omit<RequestInit, 'headers'> & { headers?: Record<string, string> };

/** What the log says of a request, but for what differs from one to the next. */
async function logged(path: string, init: Sent & { isPlain?: boolean }): Promise<string> {
  lines.length = 0;
  const { isPlain = true, ...more } = init;
  // A header that makes it one of Node's server.
  const others = isPlain ? {} : { origin: 'http://a' };
  const headers = {
    'user-agent': 'a',
    'request-id': 'r',
    'accept-encoding': 'identity',
    ...init.headers,
    ...others,
  };
  const response = await fetch(`${node.url}${path}`, { ...(more as RequestInit), headers });
  await response.arrayBuffer();
  await eventually(() => {
    if (lines.length !== 1) throw new Error(`${lines.length} lines`);
    return Promise.resolve();
  }, 5_000);
  return (lines[0] ?? '').replace(/\[.*?\+0000\]/, '[]').replace(/ \d+$/, ' n');
}

const body = 'm,t=a v=1 1\nm,t=b v=2 2\nm,t=c v=3 3';
const form = (q: string) => ({ method: 'POST', body: new URLSearchParams({ q, db: 'd', p: 'x' }) });
const zipped = { headers: { 'accept-encoding': 'gzip' } };

test.each<[string, Sent, string]>([
  ['/write?db=d', { method: 'POST', body }, '127.0.0.1 - - [] "POST /write?db=d HTTP/1.1 " 204 0 "-" "a" r n'], // prettier-ignore
  ['/write?db=d', { method: 'POST', body: 'm v=1,' }, '127.0.0.1 - - [] "POST /write?db=d HTTP/1.1 " 400 59 "-" "a" r n'], // prettier-ignore
  ['/query?q=SELECT+v+FROM+m&db=d&epoch=ns', zipped, ''],
  ['/query?q=SELECT+v+FROM+m&db=d&epoch=ns&chunked=true', {}, ''],
  ['/query', form('SHOW DATABASES'), ''],
])(
  'access log: %s with %j is one line, the same whoever reads the request',
  async (path, init, line) => {
    const plain = await logged(path, init);
    expect(await logged(path, { ...init, isPlain: false })).toBe(plain);
    if (line !== '') expect(plain).toBe(line);
    expect(plain).toMatch(/^127\.0\.0\.1 - - \[\] ".*" \d{3} \d+ "-" "a" r n$/);
    expect(plain).not.toContain("'x'");
    const response = await fetch(`${node.url}${path}`, { ...(init as RequestInit), headers: { 'accept-encoding': 'identity' } }); // prettier-ignore
    const lengthBytes = (await response.arrayBuffer()).byteLength;
    if (init !== zipped) expect(plain).toContain(` ${lengthBytes} "-" "a" r`);
  },
);

test('access log: what is nowhere, what tells of the node and what the filters leave out is not there', async () => {
  const response = await logged('/ping', {});
  expect(response).toContain('"GET /ping HTTP/1.1" 204 0');
  lines.length = 0;
  for (const path of ['/nothing', '/debug/vars', '/query?db=d']) await fetch(`${node.url}${path}`);
  await fetch(`${node.url}/write?db=none`, { method: 'POST', body });
  await fetch(`${node.url}/write`, { method: 'PUT' });
  expect(await logged('/status', {})).toContain('GET /status');
  expect(lines.length).toBe(1);
});

test(
  'log files: queries and requests have their own, which SIGHUP opens anew; a folder that goes stops nothing',
  async () => {
    const logs = join(workshop.folder, 'logs');
    mkdirSync(logs);
    const [access, queries] = [join(logs, 'access.log'), join(logs, 'query.log')];
    const config = workshop.config({ port: 2_000, more: `access-log-path = "${access}"` });
    const text = readFileSync(config, 'utf8');
    writeFileSync(config, text.replace('[data]\n', `[data]\n  query-log-path = "${queries}"\n`));
    const daemon = workshop.start('influxd', '-config', config);
    await daemon.says(/Listening on HTTP/);
    const ask = async (q: string) => {
      const url = `http://127.0.0.1:2086/query?q=${encodeURIComponent(q)}`;
      return (await fetch(url, { signal: AbortSignal.timeout(10_000) })).status;
    };
    const has = (path: string, pattern: RegExp, count = 1) =>
      eventually(() => {
        const found = readFileSync(path, 'utf8').split('\n').filter((line) => pattern.test(line)); // prettier-ignore
        if (found.length !== count) throw new Error(`${found.length} lines of ${pattern}`);
        return Promise.resolve();
      }, 10_000);
    expect(await ask('SHOW DATABASES')).toBe(200);
    await has(access, /"GET \/query\?q=SHOW\+DATABASES HTTP\/1\.1" 200 \d+ /);
    await has(queries, /lvl=info msg="Executing query" log_id=\S+ service=query query="SHOW DATABASES"/); // prettier-ignore
    for (const path of [access, queries]) renameSync(path, `${path}.1`);
    daemon.child.kill('SIGHUP');
    await daemon.says(/Reloaded the configuration/);
    await ask('SHOW USERS');
    await has(access, /SHOW\+USERS/);
    await has(queries, /query="SHOW USERS"/);
    await has(`${access}.1`, /SHOW/);
    rmSync(logs, { recursive: true });
    daemon.child.kill('SIGHUP');
    for (let i = 0; i < 20; i++) expect(await ask('SHOW DATABASES')).toBe(200);
    await daemon.says(/A log file cannot be written/);
    expect(daemon.output).not.toMatch(/Executing query|\[httpd\]|not in effect/);
  },
  limitMs,
);

test(
  'log files: without paths requests and queries stand with all other lines, and a path that cannot be does not stop a start',
  async () => {
    const more = `access-log-path = "${join(workshop.folder, 'none/access.log')}"`;
    const config = workshop.config({ port: 2_100, name: 'other', more });
    const daemon = workshop.start('influxd', '-config', config);
    await daemon.says(/Listening on HTTP/);
    await fetch('http://127.0.0.1:2186/query?q=SHOW+DATABASES');
    await daemon.says(/unable to open access log, falling back to stderr/);
    await daemon.says(
      /^\[httpd\] 127\.0\.0\.1 - - .* "GET \/query\?q=SHOW\+DATABASES HTTP\/1\.1" 200/m,
    );
    await daemon.says(/msg="Executing query" .* service=query query="SHOW DATABASES"/);
  },
  limitMs,
);
