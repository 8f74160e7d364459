import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { gzipSync } from 'node:zlib';
import { expect, test, vi } from 'vitest';
import { OpenTsdbSetting } from '../../../../test/support/opentsdb-setting.ts';

async function opened(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined);
  await once(socket, 'connect');
  return socket;
}

/** What comes until the other side ends. */
async function restOf(socket: Socket): Promise<string> {
  const parts: Buffer[] = [];
  socket.on('data', (part) => parts.push(part));
  if (!socket.closed) await once(socket, 'close');
  return Buffer.concat(parts).toString('latin1');
}

function request(body: Uint8Array | string, ...headers: readonly string[]): Buffer {
  const lines = ['POST /api/put HTTP/1.1', 'Host: x', `Content-Length: ${body.length}`, ...headers];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), Buffer.from(body)]);
}

const putOf = (port: number, body: Uint8Array | string, ...headers: readonly string[]) =>
  fetch(`http://127.0.0.1:${port}/api/put`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: headers.map((header) => header.split(': ') as [string, string]),
  });

test('opentsdb: statistics have the reference’s names and tag', async () => {
  await using setting = await OpenTsdbSetting.open();
  const [statistic] = setting.statistics();
  expect({ ...statistic, values: Object.keys(statistic?.values ?? {}).sort() }).toEqual({
    name: 'opentsdb',
    tags: { bind: '127.0.0.1:0' },
    values: ['batchesTx', 'batchesTxFail', 'connsActive', 'connsHandled', 'droppedPointsInvalid', 'httpConnsHandled', 'pointsTx', 'tlBadFloat', 'tlBadLine', 'tlBadTag', 'tlBadTime', 'tlBytesRx', 'tlConnsActive', 'tlConnsHandled', 'tlPointsRx', 'tlReadErr'], // prettier-ignore
  });
});

test('opentsdb: lines that come byte by byte are those that were sent', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  socket.setNoDelay(true);
  for (const byte of Buffer.from('put m 1700000000 1 a=b\nput m 1700000001 2 a=b'))
    await new Promise((resolve) => socket.write(Uint8Array.of(byte), resolve));
  socket.end();
  await once(socket, 'close');
  expect(setting.taken().written).toBe(
    'm,a=b value=1 1700000000000000000\nm,a=b value=2 1700000001000000000\n',
  );
});

test('opentsdb: a line without an end is passed over, and the next one counts', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  const piece = Buffer.alloc(1 << 20, 120);
  for (let i = 0; i < 8; i++) await new Promise((resolve) => socket.write(piece, resolve));
  socket.end('\nput m 1700000000 1\n');
  await once(socket, 'close');
  expect(setting.taken().written).toBe('m value=1 1700000000000000000\n');
  expect(setting.counts()).toMatchObject({ tlBadLine: 1, tlPointsRx: 2, tlConnsHandled: 1 });
});

test('opentsdb: many tags, the same and others, take no longer than their line', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  const tags = Array.from({ length: 6_000 }, (_none, i) => `k${i % 3_000}=${i}`);
  socket.end(`put m 1700000000 1 ${tags.join(' ')}\n`);
  await once(socket, 'close');
  const { written } = setting.taken();
  expect(written.split(',')).toHaveLength(3_001);
  expect(written).toContain(',k2999=5999 value=1 ');
});

test('opentsdb: who asks for the version and does not read the answers is sent away', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  socket.pause();
  const flood = Buffer.from('version\n'.repeat(100_000));
  const closed = new Promise((resolve) => socket.once('close', resolve));
  // Its answers fill what the system holds for the two, and then the memory of the node, unless it ends.
  for (let isSent = true; isSent;)
    isSent = await new Promise((resolve) => {
      socket.write(flood, (error) => {
        resolve(error === null || error === undefined);
      });
    });
  socket.resume();
  await closed;
  // The listener hears of the end by itself, which may be after the client does.
  await vi.waitFor(() => {
    expect(setting.counts()).toMatchObject({ tlConnsActive: 0, tlConnsHandled: 1 });
  });
});

test('opentsdb: connections that are kept take one request after the other, and count as handled once', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  const body = (i: number) => `{"metric":"m","timestamp":${1_700_000_000 + i},"value":${i}}`;
  socket.write(Buffer.concat([request(body(0)), request(body(1)), request('x')]));
  socket.write(request(body(2), 'Connection: close'));
  const answers = await restOf(socket);
  expect(answers.match(/HTTP\/1.1 \d+/g)).toEqual(['HTTP/1.1 204', 'HTTP/1.1 204', 'HTTP/1.1 400', 'HTTP/1.1 204']); // prettier-ignore
  expect(setting.taken().written.match(/value=\d/g)).toEqual(['value=0', 'value=1', 'value=2']);
  expect(setting.counts()).toMatchObject({ httpConnsHandled: 1, connsHandled: 1, connsActive: 0 });
});

test('opentsdb: a gzip that becomes too large is refused, one that does not is taken', async () => {
  await using setting = await OpenTsdbSetting.open();
  const zip = (text: string) => putOf(setting.port, gzipSync(text), 'Content-Encoding: gzip');
  const point = '{"metric":"m","timestamp":1700000000,"value":1}';
  expect((await zip(`[${`${point},`.repeat(20_000)}${point}]`)).status).toBe(204);
  expect(setting.taken().written.split('\n')).toHaveLength(20_002);
  const bomb = await zip(`[${' '.repeat(40 << 20)}${point}]`);
  expect([bomb.status, await bomb.text()]).toEqual([413, 'Request Entity Too Large\n']);
  expect(setting.taken().written).toBe('');
});

test('opentsdb: a body that is too large is refused before it has come', async () => {
  await using setting = await OpenTsdbSetting.open();
  const socket = await opened(setting.port);
  socket.write('POST /api/put HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 99999999999\r\n\r\n['); // prettier-ignore
  expect(await restOf(socket)).toContain('HTTP/1.1 413');
});

test('opentsdb: what the cluster does not take is told', async () => {
  await using setting = await OpenTsdbSetting.open();
  setting.breakCluster();
  const answer = await putOf(setting.port, '{"metric":"m","timestamp":1700000000,"value":1}');
  expect([answer.status, await answer.text()]).toEqual([500, 'write series error: the cluster is away\n']); // prettier-ignore
});

test('opentsdb: a stop ends connections of both kinds', async () => {
  const setting = await OpenTsdbSetting.open();
  const [telnet, http, silent] = await Promise.all([opened(setting.port), opened(setting.port), opened(setting.port)]); // prettier-ignore
  telnet.write('version\n');
  http.write(request('{"metric":"m","timestamp":1700000000,"value":1}'));
  await Promise.all([once(telnet, 'data'), once(http, 'data')]);
  const closed = Promise.all([telnet, http, silent].map((socket) => (socket.resume(), once(socket, 'close')))); // prettier-ignore
  await setting[Symbol.asyncDispose]();
  await closed;
  expect(setting.counts()).toMatchObject({ connsActive: 0, tlConnsActive: 0, tlReadErr: 0 });
});
