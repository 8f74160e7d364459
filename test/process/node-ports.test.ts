import { Client, credentials, Metadata } from '@grpc/grpc-js';
import protobuf from 'protobufjs';
import descriptor from 'protobufjs/ext/descriptor.js';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { must } from '../../src/base/assert.ts';
import { healthMethod, reflectionMethod } from '../../src/rpc/tool-methods.ts';
import type { Attack } from '../hostile/attack.ts';
import { foreignAddresses } from '../hostile/foreign-addresses.ts';
import { forgedRequests } from '../hostile/forged-requests.ts';
import { portNoise } from '../hostile/port-noise.ts';
import { DevCluster } from '../support/dev-cluster.ts';

const offset = 13_000;
const cluster = new DevCluster(offset, '--metas', '1', '--data', '2');
const limitMs = 120_000;

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

const target = {
  dataUrls: [1, 2].map((number) => cluster.url('data', number)),
  metaUrls: [cluster.url('meta', 1)],
  dataRpcAddresses: [1, 2].map((number) => `127.0.0.1:${8088 + offset + 100 * (number - 1)}`),
  metaRpcAddresses: [`127.0.0.1:${8089 + offset}`],
  folder: cluster.dir,
};
const nodes = [...target.dataUrls, ...target.metaUrls];

async function pingAll(): Promise<void> {
  const answers = await Promise.all(
    nodes.map((url) => fetch(`${url}/ping`, { signal: AbortSignal.timeout(5_000) })),
  );
  for (const { ok } of answers) expect(ok).toBe(true);
}

test.each<[string, Attack]>([
  ['requests forged by strangers are refused', forgedRequests],
  ['a foreign address tells nothing and is told nothing', foreignAddresses],
  ['noise, messages without end and connections without number pass', portNoise],
])(
  'node ports: %s, and every node lives',
  async (_what, attack) => {
    const names = ['meta-1', 'data-1', 'data-2'];
    const pids = names.map((name) => cluster.pid(name));
    await attack.run(target);
    await pingAll();
    expect(names.map((name) => cluster.pid(name))).toEqual(pids);
    expect(cluster.output).not.toContain('has died');
    // Its nodes still know each other.
    const body = new URLSearchParams({ q: 'CREATE DATABASE after' });
    const response = await fetch(`${nodes[1] ?? ''}/query`, { method: 'POST', body });
    expect(await response.text()).not.toContain('error');
  },
  limitMs,
);

/** What an operator's tool of gRPC is told, by a client that shares no line with ours and shows no membership. */
class Tool {
  readonly #client: Client;

  constructor(address: string) {
    this.#client = new Client(address, credentials.createInsecure());
  }

  health(service: string): Promise<string> {
    const { path, request, reply } = healthMethod;
    const bytes = Buffer.from(request.encode({ service }));
    return new Promise((resolve, reject) => {
      this.#client.makeUnaryRequest(path, same, same, bytes, new Metadata(), (error, answer) => {
        if (error !== null) reject(error);
        else resolve(reply.decode(must(answer, 'an answer')).status);
      });
    });
  }

  async reflect(question: Question): Promise<Answer> {
    const { path, request, reply } = reflectionMethod;
    const stream = this.#client.makeBidiStreamRequest(path, same, same, new Metadata());
    stream.write(Buffer.from(request.encode(question)));
    stream.end();
    for await (const bytes of stream) return reply.decode(bytes as Buffer);
    throw new Error('no answer');
  }

  close(): void {
    this.#client.close();
  }
}

type Question = Parameters<typeof reflectionMethod.request.encode>[0];
type Answer = ReturnType<typeof reflectionMethod.reply.decode>;
const same = (value: Buffer): Buffer => value;

test.each([
  {
    port: 'the data port',
    address: must(target.dataRpcAddresses[0], 'a data node'),
    service: 'varve.data.v1.Shards',
    method: 'WriteShards',
  },
  {
    port: 'the meta port',
    address: must(target.metaRpcAddresses[0], 'a meta node'),
    service: 'varve.meta.v1.Raft',
    method: 'Deliver',
  },
])(
  'node ports: $port answers health and reflection to a gRPC client of others',
  async ({ address, service, method }) => {
    const tool = new Tool(address);
    try {
      expect(await tool.health('')).toBe('serving');
      expect(await tool.health(service)).toBe('serving');
      await expect(tool.health('no.Such')).rejects.toMatchObject({ code: 5 });
      const listed = await tool.reflect({ kind: 'services', name: '' });
      if (listed.kind !== 'services') throw new Error('it has services');
      expect(listed.names).toContain(service);
      const found = await tool.reflect({ kind: 'symbol', name: service });
      if (found.kind !== 'files') throw new Error('it has the file');
      const file = found.descriptors.map((bytes) => descriptor.FileDescriptorProto.decode(bytes));
      const root = (protobuf.Root as unknown as { fromDescriptor(set: unknown): protobuf.Root }).fromDescriptor(descriptor.FileDescriptorSet.create({ file })); // prettier-ignore
      expect(Object.keys(root.lookupService(service).methods)).toContain(method);
    } finally {
      tool.close();
    }
  },
  limitMs,
);
