import { once } from 'node:events';
import { connect, type IncomingHttpHeaders } from 'node:http2';
import { expect, onTestFinished, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { GrpcTransport } from './grpc-transport.ts';

const hourMs = 3_600_000;
const deadlineExceeded = '4';

/** Its handlers wait until they are told that nobody waits, and call that something of their own. */
async function listening(): Promise<string> {
  const transport = new GrpcTransport({ clock: new NodeClock() });
  const listener = await transport.listen('127.0.0.1:0', {
    admit: () => ({ kind: 'call', requestBytesMax: 1 << 20, isTrusted: true }),
    call: (_method, _request, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new DbError('cancelled', 'noticed'));
        });
      }),
    async *stream() {
      yield await Promise.resolve(new Uint8Array());
    },
  });
  onTestFinished(() => listener.close());
  return listener.address;
}

/** Of a caller that takes its own deadline for an hour later than it says. */
function lateClock(): Clock {
  const clock = new NodeClock();
  return {
    wallNs: () => clock.wallNs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (durationMs, signal) => clock.sleep(durationMs, signal),
    after: (durationMs, run) => clock.after(durationMs + hourMs, run),
    every: (periodMs, run) => clock.every(periodMs, run),
  };
}

test('caller: a node is told that its deadline has passed, whatever the handler made of it', async () => {
  const transport = new GrpcTransport({ clock: lateClock() });
  onTestFinished(() => transport.close());
  const call = transport.call(await listening(), '/a.B/C', Uint8Array.of(1), { deadlineMs: 50 });
  await expect(call).rejects.toMatchObject({ code: 'timeout' });
});

test('caller: so is any other client of gRPC', async () => {
  const session = connect(`http://${await listening()}`);
  onTestFinished(() => {
    session.destroy();
  });
  const head = { ':method': 'POST', ':path': '/a.B/C', 'content-type': 'application/grpc', 'grpc-timeout': '50m' }; // prettier-ignore
  const stream = session.request(head);
  stream.end(Buffer.from([0, 0, 0, 0, 1, 9]));
  const [headers] = (await once(stream, 'response')) as [IncomingHttpHeaders];
  expect(headers['grpc-status']).toBe(deadlineExceeded);
});
