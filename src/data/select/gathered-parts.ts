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
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import type { PlannedBlocks } from '../engine/shard-access.ts';
import { causeOf, isRefusal } from '../shards/node-failure.ts';
import { askedRequest, ownRequest, type Asking } from './answer-texts.ts';
import { ApartKind, type ApartQuestion } from './apart-kinds.ts';
import { soleMeasurement } from './apart-questions.ts';
import { endWith } from './end-with.ts';
import { fragmentSilenceMs } from './open-fragments.ts';
import type { PreparedSelect } from './select-runner.ts';

/** The owners to be asked, each with shards of a place. */
export type Owners = ReadonlyMap<number, readonly number[]>;

const gathered = new ApartKind(gatheredQuestion);

/** Undefined for what is not asked so. */
export function gatheredParts(
  prepared: PreparedSelect,
  [owners, ...others]: readonly Owners[],
  asking: Asking,
): AsyncIterator<AnswerPart> | undefined {
  const { ports, context } = asking;
  const { nodeId } = ports.meta;
  const ownIds = owners?.get(nodeId);
  if (owners === undefined || ownIds === undefined || others.length > 0) return undefined;
  const asked = gathered.of(prepared, ports.shards);
  if (asked === undefined) return undefined;
  const request = ownRequest(prepared, { ...asking, shareIds: ownIds });
  if (request === undefined || !asked.memory.isWorth(asked.question)) return undefined;
  const ending = endWith(context.signal);
  const own = { ...asking, context: { ...context, signal: ending.signal } };
  const [before, after]: [AsyncIterable<PlannedBlocks>[], AsyncIterable<PlannedBlocks>[]] = [[], []]; // prettier-ignore
  let isBefore = true;
  for (const [ownerId, shareIds] of owners)
    if (ownerId === nodeId) isBefore = false;
    else {
      const blocks = blocksOf(prepared, ownerId, { ...own, shareIds });
      if (blocks === undefined) {
        ending.release();
        return undefined;
      }
      (isBefore ? before : after).push(blocks);
    }
  const { isShare: _share, ...whole } = request;
  const parts = ports.shards.of(nodeId).gather?.(ownIds, whole, { before, after, ending });
  if (parts === undefined) ending.release();
  return parts && watched(parts, asked);
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
