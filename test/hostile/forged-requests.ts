import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDbError } from '../../src/base/errors.ts';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import type { RpcMetadata } from '../../src/env/transport.ts';
import { GrpcTransport } from '../../src/rpc/grpc/grpc-transport.ts';
import { signToken } from '../../src/rpc/json-web-token.ts';
import { makeDatabase, query } from './ask.ts';
import type { Attack, HostileTarget } from './attack.ts';
import { joinRequests, nodeRequests, type NodeRequest } from './node-requests.ts';

const deadlineMs = 10_000;
const refusals = ['wrong_cluster', 'unauthenticated', 'conflict'];

/** What strangers say of themselves: nothing, no cluster, a wrong one, tokens of their own making. */
const strangers: readonly RpcMetadata[] = [
  {},
  { 'varve-cluster': '0' },
  { 'varve-cluster': '1' },
  { 'varve-cluster': '18446744073709551615', authorization: 'Bearer x' },
  { 'varve-cluster': '0', authorization: `Bearer ${signToken('', 'member', Date.now() / 1_000)}` },
];

/** C: everything that nodes ask of each other, asked by strangers. */
export const forgedRequests: Attack = {
  id: 'C1',
  title: 'requests of nodes, sent by strangers, change and tell nothing',
  run: async (target) => {
    const [url = ''] = target.dataUrls;
    await makeDatabase(url, 'hostile', 1);
    const before = foldersIn(target.folder);
    const transport = new GrpcTransport({ clock: new NodeClock() });
    try {
      for (const metadata of strangers)
        for (const request of [...nodeRequests, ...joinRequests])
          for (const address of addressesOf(target, request.port))
            await mustRefuse(transport, address, { request, metadata });
    } finally {
      await transport.close();
    }
    const { text } = await query(url, 'SHOW DATABASES');
    if (!text.includes('"hostile"')) throw new Error(`a stranger dropped a database: ${text}`);
    const made = foldersIn(target.folder).filter((path) => !before.includes(path));
    const odd = made.filter((path) => path.endsWith('/x') || path === 'x');
    if (odd.length > 0) throw new Error(`a stranger made ${odd.join(' ')}`);
  },
};

async function mustRefuse(
  transport: GrpcTransport,
  address: string,
  { request, metadata }: { readonly request: NodeRequest; readonly metadata: RpcMetadata },
): Promise<void> {
  const { kind, path, bytes } = request;
  const options = { deadlineMs, metadata };
  try {
    if (kind === 'call') await transport.call(address, path, bytes, options);
    else for await (const _ of transport.stream(address, path, bytes, options)) break;
  } catch (error) {
    if (isDbError(error) && refusals.includes(error.code)) return;
    throw error;
  }
  throw new Error(`${address}${path} was answered to ${JSON.stringify(metadata)}`);
}

function addressesOf(target: HostileTarget, port: NodeRequest['port']): readonly string[] {
  return port === 'meta' ? target.metaRpcAddresses : target.dataRpcAddresses;
}

/** Folders up to a few levels down, relative. */
function foldersIn(root: string, prefix = '', depth = 4): readonly string[] {
  if (depth === 0) return [];
  const entries = readdirSync(join(root, prefix), { withFileTypes: true });
  return entries
    .filter((entry) => entry.isDirectory())
    .flatMap(({ name }) => {
      const path = prefix === '' ? name : `${prefix}/${name}`;
      return [path, ...foldersIn(root, path, depth - 1)];
    });
}
