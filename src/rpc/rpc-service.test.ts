import { expect, test } from 'vitest';
import type { Clock } from '../env/clock.ts';
import type { RpcOptions, RpcTransport } from '../env/transport.ts';
import type { DbError } from '../base/errors.ts';
import { decodeMessage, encodeMessage } from './message.ts';
import { Membership } from './membership.ts';
import { callMethod, streamMethod, type Codec, type RpcAccess } from './method.ts';
import { RpcClient } from './rpc-client.ts';
import { createRpcHandlers } from './rpc-service.ts';
import { serveCall, serveStream } from './served-method.ts';

const bigint: Codec<bigint> = {
  encode: encodeMessage,
  decode: (bytes) => decodeMessage(bytes) as bigint,
};
const codecs = { request: bigint, reply: bigint };
const doubleMethod = callMethod('/test.Numbers/Double', codecs);
const countMethod = streamMethod('/test.Numbers/Count', codecs);
const askMethods = {
  member: doubleMethod,
  newcomer: callMethod('/test.Numbers/Newcomer', { ...codecs, access: 'newcomer' }),
  anyone: callMethod('/test.Numbers/Anyone', { ...codecs, access: 'anyone' }),
};

const context = { signal: new AbortController().signal };
const options: RpcOptions = { deadlineMs: 1 };

interface Side {
  readonly clusterId: bigint;
  readonly secret?: string;
  readonly nowS?: number;
}

function membershipOf({ clusterId, secret = '', nowS = 1_000_000 }: Side): Membership {
  const clock = { wallNs: () => BigInt(nowS) * 1_000_000_000n } as Clock;
  return new Membership(clock, { clusterId: () => clusterId, secret });
}

/** A sender and a receiver with no network between them. */
function connected(sender: Side, receiver: Side): RpcClient {
  const double = (body: bigint) => Promise.resolve(body * 2n);
  const handlers = createRpcHandlers(membershipOf(receiver), [
    ...Object.values(askMethods).map((method) => serveCall(method, double)),
    serveStream(countMethod, async function* (body) {
      for (let i = 0n; i < body; i++) yield await Promise.resolve(i);
    }),
  ]);
  const transport = {
    call: (_address: string, path: string, request: Uint8Array, { metadata }: RpcOptions) =>
      Promise.resolve().then(() => {
        handlers.admit(path, metadata ?? {});
        return handlers.call(path, request, context);
      }),
    stream: (_address: string, path: string, request: Uint8Array) =>
      handlers.stream(path, request, context),
  } as unknown as RpcTransport;
  return new RpcClient(transport, membershipOf(sender));
}

/** What comes of asking each kind of method: `ok`, or the code of the error. */
async function outcomes(sender: Side, receiver: Side): Promise<Record<RpcAccess, string>> {
  const client = connected(sender, receiver);
  const ask = (access: RpcAccess) =>
    client.call('a', askMethods[access], 1n, options).then(
      () => 'ok',
      (error: unknown) => (error as DbError).code,
    );
  return { member: await ask('member'), newcomer: await ask('newcomer'), anyone: await ask('anyone') }; // prettier-ignore
}

test('rpc: calls and streams carry what their codecs carry', async () => {
  const client = connected({ clusterId: 7n }, { clusterId: 7n });
  expect(await client.call('a', doubleMethod, 2n ** 62n, options)).toBe(2n ** 63n);
  const seen = [];
  for await (const one of client.stream('a', countMethod, 3n, options)) seen.push(one);
  expect(seen).toEqual([0n, 1n, 2n]);
});

test('rpc: a request of another cluster, or of none, gets no further than to ask and to be told to join', async () => {
  const refused = { member: 'wrong_cluster', newcomer: 'ok', anyone: 'ok' };
  const all = { member: 'ok', newcomer: 'ok', anyone: 'ok' };
  expect(await outcomes({ clusterId: 7n }, { clusterId: 7n })).toEqual(all);
  expect(await outcomes({ clusterId: 7n }, { clusterId: 8n })).toEqual(refused);
  expect(await outcomes({ clusterId: 0n }, { clusterId: 8n })).toEqual(refused);
  expect(await outcomes({ clusterId: 7n }, { clusterId: 0n })).toEqual(refused);
  // Two nodes without a cluster are not of one.
  expect(await outcomes({ clusterId: 0n }, { clusterId: 0n })).toEqual(refused);
});

test('rpc: with a secret, whoever has it not only asks who is there', async () => {
  const receiver = { clusterId: 7n, secret: 'right' };
  const refused = { member: 'unauthenticated', newcomer: 'unauthenticated', anyone: 'ok' };
  const all = { member: 'ok', newcomer: 'ok', anyone: 'ok' };
  expect(await outcomes({ clusterId: 7n, secret: 'right' }, receiver)).toEqual(all);
  expect(await outcomes({ clusterId: 7n }, receiver)).toEqual(refused);
  expect(await outcomes({ clusterId: 7n, secret: 'wrong' }, receiver)).toEqual(refused);
  // A sender that has one is understood by a node that has none, as while a secret is being rolled out.
  expect(await outcomes({ clusterId: 7n, secret: 'right' }, { clusterId: 7n })).toEqual(all);
});

test.each([
  [0, 'ok'],
  [59, 'ok'],
  [-59, 'ok'],
  [-359, 'ok'],
  [-361, 'unauthenticated'],
  [61, 'unauthenticated'],
])('rpc: a token of a sender whose clock is %i s ahead: %s', async (aheadS, member) => {
  const nowS = 1_000_000;
  const sender = { clusterId: 7n, secret: 's', nowS: nowS + aheadS };
  expect(await outcomes(sender, { clusterId: 7n, secret: 's', nowS })).toMatchObject({ member });
});

test('rpc: whoever is only asked who it is, or to join, learns nothing that makes it a member', () => {
  const sender = membershipOf({ clusterId: 7n, secret: 's' });
  const receiver = membershipOf({ clusterId: 7n, secret: 's' });
  expect(sender.credentials('anyone')).toEqual({});
  const joining = sender.credentials('newcomer');
  expect(joining).not.toHaveProperty('varve-cluster');
  expect(receiver.check('newcomer', joining)).toEqual({ isTrusted: false });
  const stolen = { ...joining, 'varve-cluster': '7' };
  expect(() => receiver.check('member', stolen)).toThrow('it is for another use');
});

test('rpc: an unknown method is of a newer release', async () => {
  const method = callMethod('/test.Numbers/toString', codecs);
  const call = connected({ clusterId: 7n }, { clusterId: 7n }).call('a', method, 1n, options);
  await expect(call).rejects.toMatchObject({ code: 'unsupported_version' });
});
