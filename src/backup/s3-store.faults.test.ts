/** A store that fails in the middle: a server before it answers some requests by itself, in the ways that stores do. */
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import S3rver from 's3rver';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWhole, writeWhole } from './backup-store.ts';
import { S3Store } from './s3-store.ts';

type Fault = 'refuse' | 'close' | 'cut' | 'cut chunks' | 'stall' | 'unknown';

const directory = mkdtempSync(join(tmpdir(), 's3-faults-'));
const inner = new S3rver({ port: 0, address: '127.0.0.1', silent: true, directory, configureBuckets: [{ name: 'b', configs: [] }] }); // prettier-ignore
/** Of the requests to come, in their order; undefined passes one on. */
const faults: (Fault | undefined)[] = [];
const methods: string[] = [];
let innerPort = 0;
const outer = createServer((given, answer) => {
  pass(given, answer, faults.shift());
});

function pass(given: IncomingMessage, answer: ServerResponse, fault: Fault | undefined): void {
  methods.push(given.method ?? '');
  if (fault === 'close') {
    given.socket.destroy();
    return;
  }
  if (fault === 'refuse' || fault === 'unknown') {
    given.resume();
    answer.writeHead(fault === 'refuse' ? 503 : 501).end();
    return;
  }
  const { method, url: path, headers: { expect: _, ...headers } } = given; // prettier-ignore
  const asked = request({ port: innerPort, host: '127.0.0.1', method, path, headers }, (came) => {
    const pieces: Buffer[] = [];
    came.on('data', (piece: Buffer) => pieces.push(piece));
    came.on('end', () => {
      const whole = Buffer.concat(pieces);
      // A store that does not say how long its answer is.
      const { 'content-length': _length, ...unsaid } = came.headers;
      answer.writeHead(came.statusCode ?? 0, fault === 'cut chunks' ? unsaid : came.headers);
      if (fault === undefined) return answer.end(whole);
      answer.write(whole.subarray(0, whole.length >> 1), () => {
        if (fault !== 'stall') given.socket.destroy();
      });
      return answer;
    });
  });
  given.pipe(asked);
}

beforeAll(async () => {
  innerPort = (await inner.run()).port;
  await new Promise<void>((done) => outer.listen(0, '127.0.0.1', done));
  process.env['AWS_ACCESS_KEY_ID'] = 'S3RVER';
  process.env['AWS_SECRET_ACCESS_KEY'] = 'S3RVER';
});
afterAll(async () => {
  outer.closeAllConnections();
  await new Promise((done) => outer.close(done));
  await inner.close();
  rmSync(directory, { recursive: true });
  delete process.env['AWS_ACCESS_KEY_ID'];
  delete process.env['AWS_SECRET_ACCESS_KEY'];
});

function store(): S3Store {
  const { port } = outer.address() as AddressInfo;
  const environment = { AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` };
  return new S3Store('s3://b/p', { environment, bufferBytes: 1, idleMs: 300 });
}

const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * i) % 251));

test.each<Fault>(['refuse', 'close', 'cut', 'cut chunks', 'stall'])('s3 store: a read that a store ends by "%s" goes on where it was', async (fault) => {
  const s3 = store();
  await writeWhole(s3, 'read', content);
  faults.push(fault, fault);
  expect(content.equals(await readWhole(s3, 'read'))).toBe(true);
  expect(faults).toEqual([]);
}); // prettier-ignore

test('s3 store: a read that always breaks off ends with an error that names the object', async () => {
  const s3 = store();
  await writeWhole(s3, 'gone', Buffer.from('x'));
  faults.push(...Array.from({ length: 6 }, (): Fault => 'cut'));
  await expect(readWhole(s3, 'gone')).rejects.toThrow(/^s3:\/\/b\/p\/gone: /);
  expect(faults).toEqual([]);
});

test.each<Fault>(['refuse', 'close'])('s3 store: an upload that fails twice by "%s" is there whole', async (fault) => {
  const s3 = store();
  faults.push(fault, fault);
  await writeWhole(s3, 'sent', content);
  expect(content.equals(await readWhole(s3, 'sent'))).toBe(true);
  expect(faults).toEqual([]);
}); // prettier-ignore

test('s3 store: a store without conditions takes a new object all the same', async () => {
  const s3 = store();
  methods.length = 0;
  faults.push('unknown');
  expect(await s3.create('claim', Buffer.from('c'))).toBe(true);
  expect(methods).toEqual(['PUT', 'PUT']);
  expect((await readWhole(s3, 'claim')).toString()).toBe('c');
});
