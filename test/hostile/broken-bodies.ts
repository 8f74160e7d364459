import { gzipSync } from 'node:zlib';
import { makeDatabase } from './ask.ts';
import type { Attack } from './attack.ts';

const database = 'broken_bodies';
const limitMs = 60_000;

interface Given {
  readonly status: number;
  readonly text: string;
  readonly tookMs: number;
}

async function post(url: string, body: Uint8Array, encoding = ''): Promise<Given> {
  const startMs = performance.now();
  const response = await fetch(`${url}/write?db=${database}`, {
    method: 'POST',
    body: body as never,
    headers: encoding === '' ? {} : { 'content-encoding': encoding },
    signal: AbortSignal.timeout(limitMs),
  });
  const text = await response.text();
  return { status: response.status, text, tookMs: performance.now() - startMs };
}

function expectAnswer(what: string, given: Given, status: number, text: RegExp): void {
  if (given.status !== status || !text.test(given.text))
    throw new Error(`${what}: ${given.status} ${given.text.slice(0, 200)}`);
}

function repeated(pattern: string, lengthBytes: number): Buffer {
  return Buffer.alloc(lengthBytes, pattern);
}

/** B1: bodies that become far more than was sent, and bodies past the limit. */
export const hugeBodies: Attack = {
  id: 'B1',
  title: 'gzip of 399 MB of newlines, 200 MB as it is',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const bomb = gzipSync(repeated('\n', 399_000_000), { level: 9 });
    const tooLarge = /^\{"error":"Request Entity Too Large"\}/;
    for (let i = 0; i < 4; i++)
      expectAnswer('a bomb', await post(url, bomb, 'gzip'), 413, tooLarge);
    // A client that goes on sending may find the connection closed: the node is what counts.
    await post(url, repeated('m v=1 1\n', 200_000_000)).then(
      (given) => expectAnswer('200 MB', given, 413, tooLarge),
      () => undefined,
    );
    const allowed = 24_000_000;
    for (const body of ['\n', ' ', '\0\n', '\t', '#', '#\n'].map((one) => repeated(one, allowed)))
      expectAnswer('nothing at all', await post(url, body), 204, /^$/);
  },
};

const good = (i: number): string => `cpu,host=h${i % 100} usage=${i % 97}.5,idle=3i ${i}`;

/** B10: bodies of bad lines take about as long as good ones, and are not answered by more bytes than were sent. */
export const badLines: Attack = {
  id: 'B10',
  title: '24 MB of `m =`, a million bad lines, one among 150,000',
  run: async ({ dataUrls }) => {
    const [url = ''] = dataUrls;
    await makeDatabase(url, database, dataUrls.length);
    const lines = Array.from({ length: 150_000 }, (_, i) => good(i));
    const all = await post(url, Buffer.from(lines.join('\n')));
    expectAnswer('good lines', all, 204, /^$/);
    const one = await post(url, Buffer.from([...lines.slice(1), 'bad'].join('\n')));
    expectAnswer('one bad line', one, 400, /partial write: unable to parse 'bad': missing fields/);
    if (one.tookMs > all.tookMs * 4 + 500)
      throw new Error(`one bad line took ${one.tookMs} ms, none ${all.tookMs} ms`);
    for (const pattern of ['m =\n', 'x\n', 'cpu,host=a usage=,idle=1 1\n', 'm v=1i,v=2.0\n']) {
      const given = await post(url, repeated(pattern, 24_000_000));
      if (given.status !== 400 || given.text.length > 2_000_000)
        throw new Error(`${pattern}: ${given.status}, ${given.text.length} bytes`);
    }
    for (const head of ['m f=', 'm f="', 'm,t=', 'm ', 'm f=1 ', '\\', 'm,'])
      for (const pattern of ['9', '\\', ',', '=', '"', 'a=b,', '\n '])
        await post(url, Buffer.concat([Buffer.from(head), repeated(pattern, 2_000_000)]));
  },
};
