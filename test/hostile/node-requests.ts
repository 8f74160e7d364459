import {
  announceMethod,
  executeMethod,
  joinMetaMethod,
  watchMethod,
} from '../../src/meta/client/meta-methods.ts';
import { joinDataMethod } from '../../src/meta/client/data-methods.ts';
import { deliverMethod, listenMethod } from '../../src/meta/server/raft-methods.ts';
import { fragmentMethod } from '../../src/data/shards/fragment-message.ts';
import { describeMethod, listMethod, writeShardsMethod } from '../../src/data/shards/shard-methods.ts'; // prettier-ignore
import {
  killQueryMethod,
  listQueriesMethod,
} from '../../src/data/statements/queries/query-methods.ts';
import type { CallMethod, StreamMethod } from '../../src/rpc/method.ts';

/** A request that its method takes, as bytes. */
export interface NodeRequest {
  readonly port: 'meta' | 'data';
  readonly kind: 'call' | 'stream';
  readonly path: string;
  readonly bytes: Uint8Array;
}

type AnyMethod<Request> = CallMethod<Request, unknown> | StreamMethod<Request, unknown>;

function of<Request>(
  port: NodeRequest['port'],
  method: AnyMethod<Request>,
  request: Request,
): NodeRequest {
  // prettier-ignore
  return { port, kind: method.kind, path: method.path, bytes: method.request.encode(request) };
}

const membership = { voters: [{ id: 1, address: 'm1:8089' }], learners: [] };
const evil = { shardId: 1, database: '../../../x', retentionPolicy: 'autogen' };
const fragment = {
  version: 1,
  measurement: 'm',
  shardIds: [1],
  minTimeNs: 0n,
  maxTimeNs: 10n,
  ascending: true,
  groupBy: ['host'],
  task: { kind: 'rows', columns: [], rowsMax: 0 },
} as const;

/** What nodes ask of each other and only of each other, one for each method. */
export const nodeRequests: readonly NodeRequest[] = [
  of('meta', deliverMethod, {
    from: 'm9:8089',
    commandVersion: 1,
    messages: [
      { from: 9, to: 1, term: 2 ** 40, kind: 'heartbeat', commit: 0, round: 1 },
      { from: 9, to: 1, term: 2 ** 40, kind: 'snapshot', snapshot: { index: 1, term: 1, membership, data: Uint8Array.of(1) } }, // prettier-ignore
    ],
  }),
  of('meta', listenMethod, { from: 'm9:8089' }),
  of('meta', executeMethod, {
    id: 'evil',
    command: { kind: 'drop-database', name: 'hostile' },
    heardIndex: 0,
  }),
  of('meta', watchMethod, { index: 0, form: 'protobuf' }),
  of('meta', announceMethod, { tcpAddress: 'd9:8088', version: 'evil', heard: [] }),
  of('data', writeShardsMethod, { batches: [{ ...evil, payload: Uint8Array.of(1, 2, 3) }] }),
  of('data', describeMethod, { tellsStamp: false, shardIds: [1] }),
  of('data', listMethod, { of: 'series', shardIds: [1], measurements: [{ name: 'm' }] }),
  of('data', fragmentMethod, { fragment }),
  of('data', fragmentMethod, { fragment, takesPacked: true }),
  of('data', listQueriesMethod, {}),
  of('data', killQueryMethod, { id: 1 }),
];

/** What a node is told when it is to join: refused by one that has a cluster. */
export const joinRequests: readonly NodeRequest[] = [
  of('meta', joinMetaMethod, { nodeId: 9, clusterId: 9n }),
  of('data', joinDataMethod, {
    ...{ nodeId: 9, clusterId: 9n, metaAddresses: ['m9:8089'] },
    sharedShards: [{ shardId: 1, database: 'd', retentionPolicy: 'autogen' }],
  }),
];
