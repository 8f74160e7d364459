/**
 * The parts of a SELECT's document where several nodes have rows of its groups, each of them on one worker: this node's worker makes it
 * of its own blocks and of those that the others send (decision 107).
 *
 * - Every node plans by itself, by the statement. Where one plans by other schemas than this one, or refuses by what it knows of them, where it has to be read in
 *   several parts, or where a node is of an earlier release, the answer fails as that of a node that is away, before anything has
 *   left: then it is answered the general way, and so are some of its kind that follow.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { printExpr } from '../../influxql/printer.ts';
import type { CompiledSelect } from '../../query/plan/compile-statement.ts';
import type { AnswerPart, AnswerRequest } from '../engine/answers/answer-task.ts';
import type { GatheredOthers, MeasurementDescription, PlannedBlocks } from '../engine/shard-access.ts'; // prettier-ignore
import { causeOf, isRefusal } from '../shards/node-failure.ts';
import { askedRequest, ownRequest, type Asking } from './answer-texts.ts';
import { ApartKind, type ApartQuestion } from './apart-kinds.ts';
import { soleMeasurement } from './apart-questions.ts';
import { endWith } from './end-with.ts';
import { fragmentSilenceMs } from './open-fragments.ts';
import type { PreparedSelect } from './select-runner.ts';
import { shapeOf, SmallAnswers, smallParts, type SmallTry } from './small-parts.ts';

/** The owners to be asked, each with shards of a place. */
export type Owners = ReadonlyMap<number, readonly number[]>;

const gathered = new ApartKind(gatheredQuestion);

/** Undefined for what is not asked so. */
export function gatheredParts(
  prepared: PreparedSelect,
  [owners, ...others]: readonly Owners[],
  asking: Asking,
): AsyncIterator<AnswerPart> | undefined {
  const { ports } = asking;
  const ownIds = owners?.get(ports.meta.nodeId);
  if (owners === undefined || ownIds === undefined || others.length > 0) return undefined;
  const asked = gathered.of(prepared, ports.shards);
  if (asked === undefined) return undefined;
  const request = ownRequest(prepared, { ...asking, shareIds: ownIds });
  if (request === undefined || !asked.memory.isWorth(asked.question)) return undefined;
  const { isShare: _share, ...whole } = request;
  const gathering = { prepared, asking, owners, ownIds, request: whole };
  const started = startOf(gathering);
  return started && watched(partsOf(gathering, started, asked.question), asked);
}

interface Gathering {
  readonly prepared: PreparedSelect;
  readonly asking: Asking;
  readonly owners: Owners;
  readonly ownIds: readonly number[];
  /** Of this node's worker. */
  readonly request: AnswerRequest;
}

/** Nobody has been asked for anything yet. */
interface Started {
  readonly others: GatheredOthers;
  /** As this node's worker makes them. */
  readonly parts: AsyncIterable<AnswerPart>;
}

function startOf(gathering: Gathering): Started | undefined {
  const { asking, ownIds, request } = gathering;
  const { shards, meta } = asking.ports;
  const others = othersOf(gathering);
  if (others === undefined) return undefined;
  const parts = shards.of(meta.nodeId).gather?.(ownIds, request, others);
  if (parts === undefined) others.ending.release();
  return parts && { others, parts };
}

/** Made by this thread where all that is sent is small, else by a worker. */
async function* partsOf(
  gathering: Gathering,
  { others, parts }: Started,
  question: string,
): AsyncGenerator<AnswerPart> {
  const { prepared, asking, ownIds, request } = gathering;
  const { shards, meta } = asking.ports;
  const own = shards.of(meta.nodeId);
  const measurements = own.described?.(ownIds, prepared.places[0]?.names)?.measurements;
  const shape = shapeOf(prepared, question, asking.context.nowNs);
  const attempt = measurements && SmallAnswers.of(shards).enter(shape);
  const blocks = attempt && entered(attempt, () => own.plannedBlocks?.(ownIds, request, others.ending.signal)); // prettier-ignore
  if (measurements === undefined || attempt === undefined || blocks === undefined) {
    yield* parts;
    return;
  }
  const isMade = yield* partsHere(gathering, { attempt, measurements, others, blocks });
  if (isMade) return;
  const again = startOf(gathering);
  if (again === undefined) throw new DbError('unavailable', 'nobody gathers what nodes have');
  yield* again.parts;
}

/** Whoever gets nothing to read has left. */
function entered<T>(attempt: SmallTry, ask: () => T | undefined): T | undefined {
  let asked: T | undefined;
  try {
    asked = ask();
    return asked;
  } finally {
    if (asked === undefined) attempt.leave();
  }
}

interface Tried {
  readonly attempt: SmallTry;
  readonly measurements: readonly MeasurementDescription[];
  readonly others: GatheredOthers;
  /** What this node has of it. */
  readonly blocks: AsyncIterable<PlannedBlocks>;
}

/** Gives whether it was small; else nothing is out. */
async function* partsHere(
  { prepared, asking }: Gathering,
  { attempt, measurements, others, blocks }: Tried,
): AsyncGenerator<AnswerPart, boolean> {
  const { before, after, ending } = others;
  const account = asking.ports.accounts.open();
  const streams = [...before, blocks, ...after].map((one) => one[Symbol.asyncIterator]());
  const context = { ...asking.context, signal: ending.signal };
  let isRead = false;
  try {
    const parts = await smallParts(prepared, streams, {
      ...asking,
      context,
      measurements,
      account,
    });
    isRead = parts !== undefined;
    attempt.wasSmall(isRead);
    if (parts !== undefined) yield* parts;
    return isRead;
  } finally {
    attempt.leave();
    account.close();
    if (isRead) ending.release();
    else ending.stop();
    await Promise.all(streams.map(async (stream) => stream.return?.()));
  }
}

/** Undefined where one of them is not known to answer so. */
function othersOf({ prepared, asking, owners }: Gathering): GatheredOthers | undefined {
  const { context, ports } = asking;
  const ending = endWith(context.signal);
  const own = { ...asking, context: { ...context, signal: ending.signal } };
  const [before, after]: [AsyncIterable<PlannedBlocks>[], AsyncIterable<PlannedBlocks>[]] = [[], []]; // prettier-ignore
  let isBefore = true;
  for (const [ownerId, shareIds] of owners)
    if (ownerId === ports.meta.nodeId) isBefore = false;
    else {
      const blocks = blocksOf(prepared, ownerId, { ...own, shareIds });
      if (blocks === undefined) {
        ending.release();
        return undefined;
      }
      (isBefore ? before : after).push(blocks);
    }
  return { before, after, ending };
}

/** Of a node that is known to have its shards on one worker; one that nobody asked yet is described first. */
function blocksOf(
  prepared: PreparedSelect,
  nodeId: number,
  asking: Asking & { readonly shareIds: readonly number[] },
): AsyncIterable<PlannedBlocks> | undefined {
  const [place] = prepared.places;
  if (place === undefined) return undefined;
  const access = asking.ports.shards.of(nodeId);
  if (access.described?.(asking.shareIds, place.names)?.lanes.length !== 1) return undefined;
  const request = askedRequest(prepared, asking);
  const { signal } = asking.context;
  return request && access.blocksFor?.(request.asked, { deadlineMs: fragmentSilenceMs, signal });
}

async function* watched(
  parts: AsyncIterable<AnswerPart>,
  { memory, question }: ApartQuestion,
): AsyncGenerator<AnswerPart> {
  let isOut = false;
  try {
    for await (const part of parts) {
      isOut = true;
      yield part;
    }
    memory.wereApart(question);
  } catch (error) {
    // Of a part of the schemas it may say what is not so of all.
    const isOther = !isOut && isRefusal(error);
    if (isOther || isDbError(causeOf(error), 'unsupported_version')) memory.wereNotApart(question);
    throw isOther ? new DbError('unavailable', errorText(error), { cause: error }) : error;
  }
}

/** What such a SELECT has in common with others that fail for the same reason. */
function gatheredQuestion(compiled: CompiledSelect): string | undefined {
  const measurement = soleMeasurement(compiled);
  if (measurement === undefined) return undefined;
  return JSON.stringify([...measurement, ...compiled.fields.map(({ expr }) => printExpr(expr))]);
}
