import { DbError } from '../../base/errors.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type {
  AccessOptions,
  BatchOutcome,
  DeletePointsRequest,
  DescribeOptions,
  FieldsOfShard,
  FragmentBlock,
  MeasurementDescription,
  ShardAccess,
  ShardBatch,
  ShardsDescription,
  TypedField,
} from '../engine/shard-access.ts';
import type { ListPiece, ListRequest } from '../engine/lists/schema-list.ts';
import { decideFieldTypesMethod, deletePointsMethod, describeMethod, fragmentMethod, listMethod, writeShardsMethod } from './shard-methods.ts'; // prettier-ignore

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
    const { outcomes } = await this.#rpc.call(this.#address, writeShardsMethod, { batches }, options); // prettier-ignore
    return outcomes.map((one) =>
      one.kind === 'failed' ? { kind: 'failed', error: new DbError(one.code, one.text) } : one,
    );
  }

  async describe(
    shardIds: readonly number[],
    { only, ...options }: DescribeOptions,
  ): Promise<ShardsDescription> {
    const parts = this.#rpc.stream(this.#address, describeMethod, { shardIds, only }, options);
    const measurements: MeasurementDescription[] = [];
    const lanes: (readonly number[])[] = [];
    let stampNs: bigint | undefined;
    for await (const part of parts) {
      lanes.push(...part.lanes);
      stampNs ??= part.stampNs;
      for (const one of part.measurements) {
        const last = measurements.pop();
        if (last === undefined) measurements.push(one);
        else if (last.name === one.name) measurements.push(joined(last, one));
        else measurements.push(last, one);
      }
    }
    return { measurements, lanes, stampNs };
  }

  async *list(
    request: ListRequest,
    options: AccessOptions,
  ): AsyncGenerator<readonly ListPiece[], undefined> {
    for await (const { pieces } of this.#rpc.stream(this.#address, listMethod, request, options))
      yield pieces;
    return undefined;
  }

  async deletePoints(request: DeletePointsRequest, options: AccessOptions): Promise<void> {
    await this.#rpc.call(this.#address, deletePointsMethod, request, options);
  }

  async decideFieldTypes(
    request: FieldsOfShard,
    options: AccessOptions,
  ): Promise<readonly TypedField[]> {
    const { fields } = await this.#rpc.call(this.#address, decideFieldTypesMethod, request, options); // prettier-ignore
    return fields;
  }

  fragment(fragment: Fragment, options: AccessOptions): AsyncIterable<readonly FragmentBlock[]> {
    return this.#rpc.stream(this.#address, fragmentMethod, fragment, options);
  }
}

function joined(
  first: MeasurementDescription,
  more: MeasurementDescription,
): MeasurementDescription {
  const fields = [...first.fields, ...more.fields];
  return { name: first.name, fields, tagKeys: [...first.tagKeys, ...more.tagKeys] };
}
