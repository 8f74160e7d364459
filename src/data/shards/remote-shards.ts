import type { Fragment } from '../../query/fragment.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { RpcMethods } from '../../rpc/rpc-service.ts';
import type {
  AccessOptions,
  DescribeOptions,
  DescribeRequest,
  FragmentBlock,
  MeasurementSeries,
  OwnerReceipt,
  SeriesRequest,
  ShardAccess,
  ShardBatch,
  ShardsDescription,
} from '../engine/shard-access.ts';

/** How long a node that serves a remote request may take over its own part; the caller's deadline ends it sooner. */
const servedDeadlineMs = 3_600_000;

/** The shards of another node. */
export class RemoteShards implements ShardAccess {
  readonly #rpc: RpcClient;
  readonly #address: string;

  constructor(rpc: RpcClient, address: string) {
    this.#rpc = rpc;
    this.#address = address;
  }

  async write(batch: ShardBatch, options: AccessOptions): Promise<OwnerReceipt> {
    return (await this.#call('shards.write', batch, options)) as OwnerReceipt;
  }

  async describe(
    shardIds: readonly number[],
    { only, ...options }: DescribeOptions,
  ): Promise<ShardsDescription> {
    const request: DescribeRequest = { shardIds, only };
    return (await this.#call('shards.describe', request, options)) as ShardsDescription;
  }

  async series(
    request: SeriesRequest,
    options: AccessOptions,
  ): Promise<readonly MeasurementSeries[]> {
    return (await this.#call('shards.series', request, options)) as readonly MeasurementSeries[];
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

/** The other end: answers RemoteShards of other nodes from the shards of this one. */
export function shardMethods(shards: ShardAccess): RpcMethods {
  const options = (signal: AbortSignal) => ({ deadlineMs: servedDeadlineMs, signal });
  return {
    calls: {
      'shards.write': (body, { signal }) => {
        const batch = body as ShardBatch;
        // A payload that is a view of the message would take the message along to the worker.
        const payload = batch.payload.slice();
        return shards.write({ ...batch, payload }, options(signal));
      },
      'shards.describe': (body, { signal }) => {
        const { shardIds, only } = body as DescribeRequest;
        return shards.describe(shardIds, { ...options(signal), only });
      },
      'shards.series': (body, { signal }) => shards.series(body as SeriesRequest, options(signal)),
      'shards.delete': (body, { signal }) =>
        shards.deleteShards(body as readonly number[], options(signal)),
    },
    streams: {
      'shards.fragment': (body, { signal }) => shards.fragment(body as Fragment, options(signal)),
    },
  };
}
