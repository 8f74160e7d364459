/**
 * The document of an answer of which several nodes have rows, made by this thread where what they send is small (decision 118). A worker
 * that merges is woken once more behind the slowest node, and wakes this thread again, which takes longer than to merge some hundred windows.
 *
 * - Nothing is out before the first piece of each is here. If one of them has more to send, or all together are not small, a worker
 *   is to make the answer after all, and so are 4, 8, ... 4,096 of its shape that follow.
 * - One at a time: where others ask meanwhile, this thread has more to do than to merge.
 */
import { JsonDocument } from '../../query/emit/json-writer.ts';
import { regexCache } from '../../influxql/regex.ts';
import type { BlockStream } from '../../query/assemble/merge-groups.ts';
import type { LevelPlan } from '../../query/plan/level-plan.ts';
import { outputFlow } from '../../query/run/output-series.ts';
import type { Pacer } from '../../query/run/pacer.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import { InvariantError } from '../../base/assert.ts';
import { KiB } from '../../base/units.ts';
import { schemasMark } from '../engine/answers/answer-share.ts';
import type { AnswerForm, AnswerPart } from '../engine/answers/answer-task.ts';
import { documentParts, Documents } from '../engine/answers/document-parts.ts';
import { repliesOf } from '../engine/answers/reply-flow.ts';
import { blocksIn } from '../engine/answers/gathered/feeds.ts';
import { partOf } from '../engine/answers/gathered/part-of.ts';
import { mergeDescriptions } from '../engine/lists/describe-shards.ts';
import type {
  FragmentBlock,
  MeasurementDescription,
  PlannedBlocks,
} from '../engine/shard-access.ts';
import type { Asking } from './answer-texts.ts';
import { ApartMemory } from './apart-questions.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import { pacerOf, planFor, type PreparedSelect } from './select-runner.ts';

/** Of all pieces together: some hundred windows of a few fields. */
const packedBytesMax = 32 * KiB;
/** Blocks, each of which may be filled to all windows. */
const filledWindowsMax = 8_192;

/** What a node knows of answers that it might make so. */
export class SmallAnswers {
  static readonly #known = new WeakMap<ClusterShards, SmallAnswers>();
  readonly #memory = new ApartMemory();
  #isBusy = false;

  static of(shards: ClusterShards): SmallAnswers {
    const known = SmallAnswers.#known.get(shards) ?? new SmallAnswers();
    SmallAnswers.#known.set(shards, known);
    return known;
  }

  /** Gives it back where it is worth a try; asked once for each answer. */
  enter(shape: string): SmallTry | undefined {
    if (this.#isBusy || !this.#memory.isWorth(shape)) return undefined;
    this.#isBusy = true;
    return {
      wasSmall: (isSmall) => {
        if (isSmall) this.#memory.wereApart(shape);
        else this.#memory.wereNotApart(shape);
      },
      leave: () => (this.#isBusy = false),
    };
  }
}

export interface SmallTry {
  readonly wasSmall: (isSmall: boolean) => void;
  readonly leave: () => void;
}

/** What is as long as each other, most likely: the measurement and fields of `question`, and windows to a power of two. */
export function shapeOf({ compiled }: PreparedSelect, question: string, nowNs: bigint): string {
  const { groupBy, statement } = compiled;
  const tags = groupBy.tags.map((tag) => (tag.kind === 'ref' ? tag.name : tag.kind));
  const power = windowsOf(compiled, nowNs).toString(2).length;
  return [question, tags.join(), power, statement.limit + statement.offset].join(' ');
}

/** Windows of a group; those without bounds are as many as there are points. */
function windowsOf({ groupBy, range }: PreparedSelect['compiled'], nowNs: bigint): bigint {
  const { intervalNs } = groupBy;
  if (intervalNs === 0n) return 1n;
  const { minNs, maxNs = nowNs } = range;
  if (minNs === undefined) return BigInt(filledWindowsMax) + 1n;
  return maxNs < minNs ? 1n : (maxNs - minNs) / intervalNs + 1n;
}

export interface SmallAsking extends Asking {
  /** What this node's shards have, as it is known. */
  readonly measurements: readonly MeasurementDescription[];
  readonly account: QueryAccount;
}

/**
 * `streams` in the order in which their blocks are merged, asked for nothing yet. Undefined where it is not to be made here, of which nothing has left then;
 * fails as the streams do.
 */
export async function smallParts(
  prepared: PreparedSelect,
  streams: readonly AsyncIterator<PlannedBlocks>[],
  asking: SmallAsking,
): Promise<AsyncGenerator<AnswerPart> | undefined> {
  const { context, ports, account, form } = asking;
  const schemas = mergeDescriptions([asking.measurements]);
  const mark = schemasMark(schemas);
  const firsts = Promise.all(streams.map((stream) => stream.next()));
  // Who fails while it is planned is heard of behind that.
  firsts.catch(() => undefined);
  const planning = { context, pacer: pacerOf(context, ports) };
  const plan = mark === '' ? undefined : await planFor(prepared, schemas, planning);
  const part = plan && partOf(plan);
  const blocks = blocksOf(await firsts, mark, account);
  if (plan === undefined || part === undefined || blocks === undefined) return undefined;
  const windows = windowsOf(prepared.compiled, context.nowNs);
  const blockCount = blocks.reduce((sum, list) => sum + list.length, 0);
  if (windows * BigInt(Math.max(1, blockCount)) > filledWindowsMax) return undefined;
  // Others had their turn while these were on their way.
  const pacer = pacerOf(context, ports);
  return merged(plan, blocks.map(streamOf), { zone: prepared.compiled.zone, form, pacer, account });
}

/** Undefined where they are not all, not small, or planned by other schemas. */
function blocksOf(
  firsts: readonly IteratorResult<PlannedBlocks>[],
  mark: string,
  account: QueryAccount,
): readonly (readonly FragmentBlock[])[] | undefined {
  const pieces: Uint8Array[] = [];
  let lengthBytes = 0;
  for (const { done, value } of firsts) {
    if (done === true || !value.isLast) return undefined;
    const { planned, packed } = value;
    // Who had nothing to plan by has no rows either.
    if (planned !== mark && (planned !== '' || packed.length > 0)) return undefined;
    lengthBytes += packed.length;
    pieces.push(packed);
  }
  if (lengthBytes > packedBytesMax) return undefined;
  account.charge(lengthBytes);
  return pieces.map((packed) => (packed.length === 0 ? [] : blocksIn(packed)));
}

function streamOf(blocks: readonly FragmentBlock[]): BlockStream<FragmentBlock> {
  let taken = 0;
  return { next: () => blocks[taken++], close: () => Promise.resolve() };
}

interface Merging {
  readonly zone: PreparedSelect['compiled']['zone'];
  readonly form: AnswerForm;
  readonly pacer: Pacer;
  readonly account: QueryAccount;
}

async function* merged(
  plan: LevelPlan,
  streams: readonly BlockStream<FragmentBlock>[],
  { zone, form, pacer, account }: Merging,
): AsyncGenerator<AnswerPart> {
  const open = () => streams;
  // A plan of one part refuses nothing, which is all that series are listed for.
  const seriesKeys = () => Promise.reject(new InvariantError('a plan of one part lists no series'));
  const flow = outputFlow(plan, { open, seriesKeys, matcher: regexCache(), pacer, account }, zone);
  const { epochUnitNs, chunkRowsMax } = form;
  const documents = new Documents(new JsonDocument({ epochUnitNs }), chunkRowsMax, undefined);
  for await (const { body } of repliesOf(documentParts(flow, documents, pacer))) yield body as AnswerPart; // prettier-ignore
}
