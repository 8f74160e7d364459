import { Client, credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import type { RpcListener } from '../../env/transport.ts';
import { Membership } from '../membership.ts';
import { callMethod, streamMethod, type Codec } from '../method.ts';
import { createRpcHandlers } from '../rpc-service.ts';
import { serveCall, serveStream } from '../served-method.ts';
import { healthMethod, reflectionMethod } from '../tool-methods.ts';
import { GrpcTransport } from './grpc-transport.ts';

/** Ours on one side, grpc-js, which shares no line with it, on the other. */
const clock = new NodeClock();
const transport = new GrpcTransport({ clock });
const bytes: Codec<Uint8Array> = { encode: (value) => value, decode: (value) => value };
const codecs = { request: bytes, reply: bytes, requestBytesMax: 4_000_000 };
const echoMethod = callMethod('/varve.data.v1.Shards/WriteShards', codecs);
const countMethod = streamMethod('/varve.data.v1.Shards/List', codecs);
const identity = (value: Buffer): Buffer => value;
const metadata = new Metadata();
metadata.set('varve-cluster', '7');
let listener: RpcListener;
let client: Client;

beforeAll(async () => {
  const gate = new Membership(clock, { clusterId: () => 7n, secret: '' });
  const handlers = createRpcHandlers(gate, [
    serveCall(echoMethod, (request) => {
      if (request.length === 0) throw new DbError('partial_write', 'dropped=1 "é"\n');
      return Promise.resolve(request);
    }),
    serveStream(countMethod, async function* (request) {
      for (let i = 0; i < (request[0] ?? 0); i++) yield await Promise.resolve(Uint8Array.of(i));
    }),
  ]);
  listener = await transport.listen('127.0.0.1:0', handlers);
  client = new Client(listener.address, credentials.createInsecure());
});

afterAll(async () => {
  client.close();
  await transport.close();
  await listener.close();
});

function call(path: string, request: Uint8Array, sent = metadata): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      path,
      identity,
      identity,
      Buffer.from(request),
      sent,
      (error, reply) => {
        // prettier-ignore
        if (error !== null || reply === undefined) reject(error ?? new Error('no reply'));
      else resolve(reply);
      },
    );
  });
}

test('grpc interop: grpc-js calls ours, and is told errors as it expects them', async () => {
  const large = Buffer.alloc(3_000_000, 7);
  expect((await call(echoMethod.path, large)).equals(large)).toBe(true);
  await expect(call(echoMethod.path, Buffer.alloc(0))).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'dropped=1 "é"\n',
  });
  await expect(call('/no.Such/Method', Buffer.alloc(1))).rejects.toMatchObject({ code: status.UNIMPLEMENTED }); // prettier-ignore
  await expect(call(echoMethod.path, large, new Metadata())).rejects.toMatchObject({ code: status.PERMISSION_DENIED }); // prettier-ignore
});

test('grpc interop: grpc-js reads a stream of ours', async () => {
  const stream = client.makeServerStreamRequest(countMethod.path, identity, identity, Buffer.of(5), metadata); // prettier-ignore
  const seen: number[] = [];
  for await (const reply of stream) seen.push((reply as Buffer)[0] ?? -1);
  expect(seen).toEqual([0, 1, 2, 3, 4]);
});

test('grpc interop: ours calls grpc-js', async () => {
  const server = new Server();
  const definition = { path: '/t.T/Echo', requestStream: false, responseStream: false, requestSerialize: identity, requestDeserialize: identity, responseSerialize: identity, responseDeserialize: identity }; // prettier-ignore
  server.addService(
    { Echo: definition },
    { Echo: (one: { request: Buffer }, reply: (e: null, r: Buffer) => void) => reply(null, one.request) }, // prettier-ignore
  );
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound);
      else reject(error);
    });
  });
  const at = `127.0.0.1:${port}`;
  const reply = await transport.call(at, '/t.T/Echo', Buffer.from('x'), { deadlineMs: 5_000 });
  expect(Buffer.from(reply).toString()).toBe('x');
  // What a server that is none of ours says is not passed on.
  const other = transport.call(at, '/t.T/Other', Buffer.from('x'), { deadlineMs: 5_000 });
  await expect(other).rejects.toThrow('the answer has gRPC status 12');
  server.forceShutdown();
});

test('grpc interop: health is asked for by name, by anyone', async () => {
  const ask = async (service: string) => {
    const request = healthMethod.request.encode({ service });
    return healthMethod.reply.decode(await call(healthMethod.path, request, new Metadata()));
  };
  expect(await ask('')).toEqual({ status: 'serving' });
  expect(await ask('varve.data.v1.Shards')).toEqual({ status: 'serving' });
  await expect(ask('varve.meta.v1.Raft')).rejects.toMatchObject({ code: status.NOT_FOUND });
});

test('grpc interop: reflection answers one question after the other on a stream that stays open', async () => {
  const { path, request, reply } = reflectionMethod;
  const stream = client.makeBidiStreamRequest(path, identity, identity, new Metadata());
  const replies = stream[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  const ask = async (question: Parameters<typeof request.encode>[0]) => {
    stream.write(Buffer.from(request.encode(question)));
    const { value } = (await replies.next()) as { value: Buffer };
    return reply.decode(value);
  };
  const listed = await ask({ kind: 'services', name: '' });
  expect(listed).toEqual({
    kind: 'services',
    names: ['grpc.health.v1.Health', 'grpc.reflection.v1.ServerReflection', 'varve.data.v1.Shards'],
  });
  const found = await ask({ kind: 'symbol', name: 'varve.data.v1.Shards' });
  if (found.kind !== 'files') throw new Error('it has the file');
  const file = descriptor.FileDescriptorProto.decode(found.descriptors[0] ?? new Uint8Array());
  const set = descriptor.FileDescriptorSet.create({ file: [file] });
  const root = (protobuf.Root as unknown as { fromDescriptor(set: unknown): protobuf.Root }).fromDescriptor(set); // prettier-ignore
  const method = root.lookupService('varve.data.v1.Shards').methods['WriteShards'];
  method?.resolve();
  expect(method?.resolvedRequestType?.fullName).toBe('.varve.data.v1.WriteShardsRequest');
  expect(await ask({ kind: 'file', name: 'none.proto' })).toMatchObject({ kind: 'error', code: 5 });
  stream.end();
  expect((await replies.next()).done).toBe(true);
});
