import { DbError, isDbError } from '../../base/errors.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type {
  AccessOptions,
  AnswerOptions,
  BatchOutcome,
  DeletePointsRequest,
  DescribeOptions,
  FieldsOfShard,
  FragmentBlock,
  RunBatch,
  FragmentOptions,
  ListOptions,
  MeasurementDescription,
  PlannedBlocks,
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
import type { KnownEmpties } from './known-empties.ts';
import type { HeldPledges, TakenPledge } from './pledges/held-pledges.ts';
import { isNodeFailure } from './choose-owners.ts';
import { NodeFailure } from './node-failure.ts';
import { fittingRun, fragmentMethod } from './fragment-message.ts';
import { answerMethod, blocksMethod, decideFieldTypesMethod, deletePointsMethod, describeMethod, listMethod, marksMethod, writeShardsMethod } from './shard-methods.ts'; // prettier-ignore

/** What is remembered of other nodes. */
interface RemoteMemory {
  readonly known: KnownDescriptions;
  readonly empties: KnownEmpties;
  readonly pledges: HeldPledges;
  /** `shard-reader-timeout`: so long it may be silent while it is read; absent: as whoever asks says. */
  readonly readerTimeoutMs?: number | undefined;
}

/** A pledge that is renewed has until then. */
const renewDeadlineMs = 1_000;

/** The shards of another node. */
export class RemoteShards implements ShardAccess {
  readonly #rpc: RpcClient;
  readonly #address: string;
  readonly #nodeId: number;
  readonly #known: KnownDescriptions;
  readonly #empties: KnownEmpties;
  readonly #pledges: HeldPledges;
  readonly #readerTimeoutMs: number;

  constructor(
    rpc: RpcClient,
    { id, tcpAddress }: { readonly id: number; readonly tcpAddress: string },
    { known, empties, pledges, readerTimeoutMs = Infinity }: RemoteMemory,
  ) {
    this.#rpc = rpc;
    this.#address = tcpAddress;
    this.#nodeId = id;
    this.#known = known;
    this.#empties = empties;
    this.#pledges = pledges;
    this.#readerTimeoutMs = readerTimeoutMs;
  }

  async writeMany(
    batches: readonly ShardBatch[],
    { heardFresh, call, ...options }: WriteOptions,
  ): Promise<readonly BatchOutcome[]> {
    const request = { batches, call };
    const reply = await this.#rpc.call(this.#address, writeShardsMethod, request, options);
    const { outcomes, freshCount } = reply;
    if (freshCount !== undefined) heardFresh?.(freshCount);
    return outcomes.map((one) =>
      one.kind === 'failed' ? { kind: 'failed', error: new DbError(one.code, one.text) } : one,
    );
  }

  async describe(
    shardIds: readonly number[],
    { only, tellsStamp = false, ...options }: DescribeOptions,
  ): Promise<ShardsDescription> {
    const parts = this.#rpc.stream(
      this.#address,
      describeMethod,
      { shardIds, only, tellsStamp },
      options,
    );
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

  async marks(options: AccessOptions): Promise<ShardMarks> {
    const asked = this.#pledges.now();
    const request = { pledgeTo: this.#pledges.nodeId };
    const { pledge, ...marks } = await this.#rpc.call(this.#address, marksMethod, request, options);
    if (pledge !== undefined) this.#take({ lists: marks.lists, asked, pledge });
    return marks;
  }

  get pledgedLists(): string | undefined {
    return this.#pledges.lists(this.#nodeId);
  }

  #take(taken: Omit<TakenPledge, 'renew'>): void {
    const renew = () => this.marks({ deadlineMs: renewDeadlineMs });
    this.#pledges.take(this.#nodeId, { ...taken, renew });
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

  /** Its failures name the node. */
  async *answerFor(asked: AskedAnswer, options: AnswerOptions): AsyncGenerator<AnswerPart> {
    try {
      yield* this.#answerFor(asked, options);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async *#answerFor(
    asked: AskedAnswer,
    { kept, ...options }: AnswerOptions,
  ): AsyncGenerator<AnswerPart> {
    // Too many windows are an error, whatever there is: at one time they are, at another they are not.
    const isAnyTime = asked.ownTimes === undefined || asked.bucketsMax === 0;
    const isKept = kept !== undefined && asked.isShare === true && isAnyTime;
    const empty = isKept ? this.#empties.find(kept, this.#nodeId) : undefined;
    if (empty !== undefined && empty.lists === this.pledgedLists) {
      yield empty.part;
      return;
    }
    const askedAt = this.#pledges.now();
    const request = isKept ? { ...asked, pledgeTo: this.#pledges.nodeId } : asked;
    for await (const { empty: said, ...part } of this.#rpc.stream(
      this.#address,
      answerMethod,
      request,
      this.#reading(options),
    )) {
      // prettier-ignore
      if (said !== undefined && isKept) {
        const { at: lists, pledge } = said;
        this.#empties.keep(kept, this.#nodeId, { lists, part });
        if (pledge !== undefined) this.#take({ lists, asked: askedAt, pledge });
      }
      yield part;
      if (part.isLast === true) return;
    }
  }

  /** Its failures name the node. */
  async *blocksFor(asked: AskedAnswer, options: AccessOptions): AsyncGenerator<PlannedBlocks> {
    try {
      for await (const blocks of this.#rpc.stream(
        this.#address,
        blocksMethod,
        asked,
        this.#reading(options),
      ))
        yield blocks;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  #reading<Options extends AccessOptions>(options: Options): Options {
    return { ...options, deadlineMs: Math.min(options.deadlineMs, this.#readerTimeoutMs) };
  }

  #failed(error: unknown): unknown {
    return isNodeFailure(error) ? new NodeFailure(this.#nodeId, error) : error;
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
    options: FragmentOptions,
  ): AsyncGenerator<readonly FragmentBlock[], undefined> {
    for await (const { blocks } of this.#fragments([fragment], options)) yield blocks;
    return undefined;
  }

  fragmentRun(
    fragments: readonly Fragment[],
    options: FragmentOptions,
  ): AsyncGenerator<RunBatch, undefined> {
    return this.#fragments(fittingRun(fragments), options);
  }

  async *#fragments(
    [fragment, ...following]: readonly Fragment[],
    { describedAt, ...options }: FragmentOptions,
  ): AsyncGenerator<RunBatch, undefined> {
    if (fragment === undefined) return undefined;
    const asked = { fragment, following, describedAt, takesPacked: true };
    try {
      for await (const reply of this.#rpc.stream(
        this.#address,
        fragmentMethod,
        asked,
        this.#reading(options),
      )) {
        if ('blocks' in reply) yield { blocks: reply.blocks, ends: reply.ends ?? [] };
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
