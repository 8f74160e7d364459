import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createSecureContext } from 'node:tls';
import { afterEach, expect, test } from 'vitest';
import { rpcTransportContract } from '../../../test/support/contract/rpc-transport.ts';
import { isDbError } from '../../base/errors.ts';
import type { ListenOptions, RpcHandlers } from '../../env/transport.ts';
import { NodeSecureSockets } from '../../env/node/network/node-secure-sockets.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { GrpcTransport } from './grpc-transport.ts';
import type { SecureDial } from './secure-dial.ts';

const clock = new NodeClock();
const testdata = join(import.meta.dirname, '../../env/node/network/testdata');
const certificatePath = join(testdata, 'outbound-cert.pem');
const ca = readFileSync(certificatePath);
const known = createSecureContext({ ca });
const verified: SecureDial = { isVerified: true, context: () => known };
const log = {
  debug: noted,
  info: noted,
  warn: noted,
  error: noted,
  child: () => log,
  setLevel: noted,
};
const closing: (() => unknown)[] = [];

function noted(): void {
  // Nobody reads it.
}

afterEach(async () => {
  for (const close of closing.splice(0)) await close();
});

async function secureSockets(): Promise<NodeSecureSockets> {
  const files = { certificatePath, keyPath: join(testdata, 'outbound-key.pem'), isOpenTaken: true };
  const sockets = await NodeSecureSockets.open(
    { clock, log },
    { files, policy: {}, warnAheadMs: 0 },
  );
  closing.push(() => {
    sockets.close();
  });
  return sockets;
}

/** Listens with TLS whoever asks it to; `client` calls it. */
class SecureTransport extends GrpcTransport {
  readonly #client: GrpcTransport;

  constructor(client: GrpcTransport) {
    super({ clock });
    this.#client = client;
  }

  override async listen(address: string, handlers: RpcHandlers, options?: ListenOptions) {
    const secure = { ...options, secureSockets: await secureSockets() };
    const listener = await super.listen(address, handlers, secure);
    const close = async (): Promise<void> => {
      await listener.close();
      // Of the end the client hears a few turns later than without TLS, and what it asks before is outcome_unknown.
      await this.#isUnavailable(listener.address);
    };
    return { ...listener, close };
  }

  async #isUnavailable(address: string): Promise<void> {
    for (let error: unknown; !isDbError(error, 'unavailable'); )
      error = await this.#client.call(address, '/test/echo', new Uint8Array(), { deadlineMs: 20_000 }).catch((reason: unknown) => reason); // prettier-ignore
  }
}

rpcTransportContract('grpc transport over TLS', async (body) => {
  const secureDial = () => verified;
  const client = new GrpcTransport({ clock, secureDial });
  const server = new SecureTransport(client);
  const httpGet = (address: string, path: string) =>
    new Promise<{ status: number; contentType: string; body: string }>((resolve, reject) => {
      const sent = request(`https://${address}${path}`, { ca, agent: false }, (answer) => {
        let text = '';
        answer.on('data', (part: Buffer) => (text += part.toString()));
        answer.on('end', () => {
          const contentType = answer.headers['content-type'] ?? '';
          resolve({ status: answer.statusCode ?? 0, contentType, body: text });
        });
      });
      sent.on('error', reject);
      sent.end();
    });
  try {
    await body({ server, client, clock, address: '127.0.0.1:0', httpGet });
  } finally {
    await client.close();
    await server.close();
  }
});

const echo: RpcHandlers = {
  admit: () => ({ kind: 'call', requestBytesMax: 1 << 20, isTrusted: true }),
  call: (_method, message) => Promise.resolve(message),
  async *stream() {
    yield await Promise.resolve(new Uint8Array());
  },
};

async function listening(options: ListenOptions, host = '127.0.0.1'): Promise<string> {
  const server = new GrpcTransport({ clock });
  const listener = await server.listen(`${host}:0`, echo, options);
  closing.unshift(() => listener.close());
  return listener.address;
}

function calling(dial: SecureDial | undefined): (address: string) => Promise<Uint8Array> {
  const client = new GrpcTransport({ clock, secureDial: () => dial });
  closing.unshift(() => client.close());
  return (address) =>
    client.call(address, '/a.B/C', Buffer.alloc(100_000, 7), { deadlineMs: 20_000 });
}

test('secure transport: a certificate of nobody known, or for another name, is refused with the reason', async () => {
  const address = await listening({ secureSockets: await secureSockets() });
  const other = await listening({ secureSockets: await secureSockets() }, '127.0.0.2');
  const nobody = createSecureContext({ ca: [] });
  await expect(calling({ isVerified: true, context: () => nobody })(address)).rejects.toMatchObject(
    {
      code: 'unavailable',
      message: 'tls: failed to verify certificate: x509: certificate signed by unknown authority',
    },
  );
  // The certificate is of 127.0.0.1 and localhost.
  await expect(calling(verified)(other)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'tls: failed to verify certificate: x509: certificate is not valid for 127.0.0.2',
  });
  const anybody = { isVerified: false, context: () => nobody };
  expect(await calling(anybody)(other)).toHaveLength(100_000);
  expect(await calling(verified)(address.replace('127.0.0.1', 'localhost'))).toHaveLength(100_000);
});

test('secure transport: a caller without TLS is told so, and told of, one with TLS finds that a plain port has none', async () => {
  let plainCount = 0;
  const onPlain = (): void => {
    plainCount++;
  };
  const secure = await listening({ secureSockets: await secureSockets(), onPlain });
  const text = `${secure}: speaks TLS only, and is called without`;
  await expect(calling(undefined)(secure)).rejects.toMatchObject({ code: 'unavailable', message: text }); // prettier-ignore
  const asked = await fetch(`http://${secure}/status`);
  expect([asked.status, await asked.text()]).toEqual([400, 'Client sent an HTTP request to an HTTPS server.\n']); // prettier-ignore
  expect(plainCount).toBe(2);
  expect(await calling(verified)(secure)).toHaveLength(100_000);
  const plain = await listening({});
  await expect(calling(verified)(plain)).rejects.toMatchObject({
    code: 'unavailable',
    message: 'tls: first record does not look like a TLS handshake',
  });
  expect(await calling(undefined)(plain)).toHaveLength(100_000);
});

test('secure transport: connections that break off their handshake leave the port as it was', async () => {
  const address = await listening({ secureSockets: await secureSockets() });
  const [host = '', port = ''] = address.split(':');
  const ended = Array.from({ length: 50 }, (_, i) => {
    const socket = connect({ host, port: Number(port) });
    socket.on('error', noted).resume();
    if (i % 3 === 0)
      socket.end(Buffer.concat([Buffer.from([22, 3, 1, 0, 200]), Buffer.alloc(300, 7)]));
    else if (i % 3 === 1) socket.once('connect', () => socket.destroy());
    else socket.end(Buffer.from([22]));
    return new Promise((resolve) => socket.once('close', resolve));
  });
  await Promise.all(ended);
  expect(await calling(verified)(address)).toHaveLength(100_000);
});
