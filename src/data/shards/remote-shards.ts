import { DbError, errorText, isDbError, type DbErrorCode } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { RpcMethods } from '../../rpc/rpc-service.ts';
import type {
  AccessOptions,
  BatchOutcome,
  DescribeOptions,
  DescribeRequest,
  FragmentBlock,
  OwnerReceipt,
  ShardAccess,
  ShardBatch,
  ShardsDescription,
} from '../engine/shard-access.ts';
import type { ListPiece, ListRequest } from '../engine/schema-list.ts';

/** How long a node that serves a remote request may take over its own part; the caller's deadline ends it sooner. */
const servedDeadlineMs = 3_600_000;

/** What an owner says of one batch, as it travels. */
type WireOutcome = OwnerReceipt | { readonly code: DbErrorCode; readonly text: string };

/** The shards of another node. */
export class RemoteShards implements ShardAccess {
  readonly #rpc: RpcClient;
  readonly #address: string;

  constructor(rpc: RpcClient, address: string) {
    this.#rpc = rpc;
    this.#address = address;
  }

  async writeMany(
    batches: readonly ShardBatch[],
    options: AccessOptions,
  ): Promise<readonly BatchOutcome[]> {
    const outcomes = (await this.#call('shards.write', batches, options)) as WireOutcome[];
    return outcomes.map((one) =>
      'code' in one
        ? { kind: 'failed', error: new DbError(one.code, one.text) }
        : { kind: 'written', ...one },
    );
  }

  async describe(
    shardIds: readonly number[],
    { only, ...options }: DescribeOptions,
  ): Promise<ShardsDescription> {
    const request: DescribeRequest = { shardIds, only };
    return (await this.#call('shards.describe', request, options)) as ShardsDescription;
  }

  list(request: ListRequest, options: AccessOptions): AsyncIterable<readonly ListPiece[]> {
    const parts = this.#rpc.stream(this.#address, 'shards.list', request, options);
    return parts as AsyncIterable<readonly ListPiece[]>;
  }

  fragment(fragment: Fragment, options: AccessOptions): AsyncIterable<readonly FragmentBlock[]> {
    const batches = this.#rpc.stream(this.#address, 'shards.fragment', fragment, options);
    return batches as AsyncIterable<readonly FragmentBlock[]>;
  }

  async deleteShards(shardIds: readonly number[], options: AccessOptions): Promise<void> {
    await this.#call('shards.delete', shardIds, options);
  }

  #call(method: string, body: unknown, options: AccessOptions): Promise<unknown> {
    return this.#rpc.call(this.#address, method, body, options);
  }
}

/** Writes of other nodes that wait here for the engine: past it their coordinators keep what they have. */
const servedBytesMax = 256 * MiB;

/** Writes what other nodes sent, whether or not they still wait for the answer: no owner drops what it was sent. */
class ServedWrites {
  readonly #shards: ShardAccess;
  #servedBytes = 0;

  constructor(shards: ShardAccess) {
    this.#shards = shards;
  }

  async write(batches: readonly ShardBatch[]): Promise<readonly WireOutcome[]> {
    const lengthBytes = batches.reduce((sum, { payload }) => sum + payload.length, 0);
    if (this.#servedBytes > 0 && this.#servedBytes + lengthBytes > servedBytesMax)
      throw new DbError('queue_full', `${this.#servedBytes} bytes of writes wait for the engine`);
    this.#servedBytes += lengthBytes;
    try {
      // A payload that is a view of the message would take the message along to the worker.
      const owned = batches.map((batch) => ({ ...batch, payload: batch.payload.slice() }));
      const outcomes = await this.#shards.writeMany(owned, { deadlineMs: servedDeadlineMs });
      return outcomes.map(wireOutcome);
    } finally {
      this.#servedBytes -= lengthBytes;
    }
  }
}

function wireOutcome(outcome: BatchOutcome): WireOutcome {
  if (outcome.kind === 'written')
    return { droppedCount: outcome.droppedCount, reason: outcome.reason };
  const { error } = outcome;
  return { code: isDbError(error) ? error.code : 'internal', text: errorText(error) };
}

/** The other end: answers RemoteShards of other nodes from the shards of this one. */
export function shardMethods(shards: ShardAccess): RpcMethods {
  const options = (signal: AbortSignal) => ({ deadlineMs: servedDeadlineMs, signal });
  const writes = new ServedWrites(shards);
  return {
    calls: {
      'shards.write': (body) => writes.write(body as readonly ShardBatch[]),
      'shards.describe': (body, { signal }) => {
        const { shardIds, only } = body as DescribeRequest;
        return shards.describe(shardIds, { ...options(signal), only });
      },
      'shards.delete': (body, { signal }) =>
        shards.deleteShards(body as readonly number[], options(signal)),
    },
    streams: {
      'shards.list': (body, { signal }) => shards.list(body as ListRequest, options(signal)),
      'shards.fragment': (body, { signal }) => shards.fragment(body as Fragment, options(signal)),
    },
  };
}
