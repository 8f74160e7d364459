import { DbError, isDbError } from '../../base/errors.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type {
  AccessOptions,
  BatchOutcome,
  DeletePointsRequest,
  DescribeOptions,
  FieldsOfShard,
  FragmentBlock,
  FragmentOptions,
  ListOptions,
  MeasurementDescription,
  ShardAccess,
  ShardBatch,
  ShardMarks,
  ShardsDescription,
  TypedField,
  WriteOptions,
} from '../engine/shard-access.ts';
import type { ListPiece, ListRequest } from '../engine/lists/schema-list.ts';
import type { AnswerPart, AskedAnswer } from '../engine/answers/answer-task.ts';
import type { KnownDescriptions } from './known-descriptions.ts';
import { fragmentMethod } from './fragment-message.ts';
import { answerMethod, decideFieldTypesMethod, deletePointsMethod, describeMethod, listMethod, marksMethod, writeShardsMethod } from './shard-methods.ts'; // prettier-ignore

/** The shards of another node. */
export class RemoteShards implements ShardAccess {
  readonly #rpc: RpcClient;
  readonly #address: string;
  readonly #known: KnownDescriptions;

  constructor(rpc: RpcClient, address: string, known: KnownDescriptions) {
    this.#rpc = rpc;
    this.#address = address;
    this.#known = known;
  }

  async writeMany(
    batches: readonly ShardBatch[],
    { heardFresh, ...options }: WriteOptions,
  ): Promise<readonly BatchOutcome[]> {
    const reply = await this.#rpc.call(this.#address, writeShardsMethod, { batches }, options);
    const { outcomes, freshCount } = reply;
    if (freshCount !== undefined) heardFresh?.(freshCount);
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
    let mark: string | undefined;
    for await (const part of parts) {
      lanes.push(...part.lanes);
      stampNs ??= part.stampNs;
      mark ??= part.mark;
      for (const one of part.measurements) {
        const last = measurements.pop();
        if (last === undefined) measurements.push(one);
        else if (last.name === one.name) measurements.push(joined(last, one));
        else measurements.push(last, one);
      }
    }
    const description = { measurements, lanes, stampNs, mark };
    this.#known.keep(this.#address, { shardIds, only }, description);
    return description;
  }

  described(
    shardIds: readonly number[],
    only: readonly string[] | undefined,
  ): ShardsDescription | undefined {
    return this.#known.find(this.#address, { shardIds, only });
  }

  marks(options: AccessOptions): Promise<ShardMarks> {
    return this.#rpc.call(this.#address, marksMethod, {}, options);
  }

  async *list(
    request: ListRequest,
    { describedAt, heard, ...options }: ListOptions,
  ): AsyncGenerator<readonly ListPiece[], undefined> {
    const asked = { ...request, describedAt };
    try {
      for await (const reply of this.#rpc.stream(this.#address, listMethod, asked, options)) {
        if (reply.mark !== undefined) heard?.(reply.mark);
        yield reply.pieces;
        if (reply.isLast) break;
      }
      return undefined;
    } catch (error) {
      if (isDbError(error, 'schema_changed')) this.#known.forget(this.#address);
      throw error;
    }
  }

  async *answerFor(asked: AskedAnswer, options: AccessOptions): AsyncGenerator<AnswerPart> {
    for await (const part of this.#rpc.stream(this.#address, answerMethod, asked, options)) {
      yield part;
      if (part.isLast === true) return;
    }
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

  async *fragment(
    fragment: Fragment,
    { describedAt, ...options }: FragmentOptions,
  ): AsyncGenerator<readonly FragmentBlock[], undefined> {
    const asked = { fragment, describedAt, takesPacked: true };
    try {
      for await (const reply of this.#rpc.stream(this.#address, fragmentMethod, asked, options)) {
        if ('blocks' in reply) yield reply.blocks;
        if (reply.isLast) break;
      }
      return undefined;
    } catch (error) {
      if (isDbError(error, 'schema_changed')) this.#known.forget(this.#address);
      throw error;
    }
  }
}

function joined(
  first: MeasurementDescription,
  more: MeasurementDescription,
): MeasurementDescription {
  const fields = [...first.fields, ...more.fields];
  return { name: first.name, fields, tagKeys: [...first.tagKeys, ...more.tagKeys] };
}
