import type { SelectStatement } from '../../influxql/ast.ts';
import type { AnswerForm, AnswerPart } from '../engine/answers/answer-task.ts';
import { holdsItsPoints } from '../engine/answers/own-groups.ts';
import type { ShardAccess } from '../engine/shard-access.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import { askedRequest, ownRequest, type Asking } from './answer-texts.ts';
import { ApartKind } from './apart-kinds.ts';
import { apartQuestion } from './apart-questions.ts';
import { endWith } from './end-with.ts';
import { gatheredParts, type Owners } from './gathered-parts.ts';
import { fragmentSilenceMs } from './open-fragments.ts';
import { partedAnswer } from './parted-answer.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { prepareSelect, type PreparedSelect } from './select-runner.ts';

const nobody = new FailedOwners();

/**
 * The parts of a SELECT's JSON document, or documents, where one worker of one node has all shards that it reads, and that node is the owner
 * to be asked, or where one worker of each of several nodes answers for groups of its own, or one merges what those of others have; undefined where they have to be read together. Throws what
 * tells beforehand that it has no answer.
 */
export function soleAnswer(
  statement: SelectStatement,
  form: AnswerForm,
  context: SelectContext,
  ports: SelectPorts,
): AsyncIterator<AnswerPart> | undefined {
  const prepared = prepareSelect(statement, context, ports);
  const asking = { form, context, ports };
  const owners = prepared.places.map((place) => ownersOf(place, asking));
  const nodeId = soleOwner(prepared, owners);
  if (nodeId === undefined)
    return sharedAnswer(prepared, owners, asking) ?? gatheredParts(prepared, owners, asking);
  const access = ports.shards.of(nodeId);
  const isOwn = nodeId === ports.meta.nodeId;
  // Nodes are not asked for chunks.
  if (!isOwn && form.chunkRowsMax !== undefined) return undefined;
  const answer = isOwn ? ownAnswer : otherAnswer;
  return answer(prepared, access, asking)?.[Symbol.asyncIterator]();
}

function ownersOf(
  { shards }: PreparedSelect['places'][number],
  { context, ports }: Asking,
): Owners {
  const { meta, random, shards: { missedAt } } = ports; // prettier-ignore
  const { pinnedNodeId } = context;
  return chooseOwners(shards, { localNodeId: meta.nodeId, random, failed: nobody, missedAt, pinnedNodeId }); // prettier-ignore
}

/** The node to ask of every shard, if it is one and there are shards. */
function soleOwner({ places }: PreparedSelect, owners: readonly Owners[]): number | undefined {
  let sole: number | undefined;
  for (const [i, { shards }] of places.entries()) {
    const chosen = owners[i] ?? new Map<number, readonly number[]>();
    for (const [nodeId, shardIds] of chosen) {
      if (shardIds.length < shards.length || (sole ?? nodeId) !== nodeId) return undefined;
      sole = nodeId;
    }
    if (chosen.size === 0 && shards.length > 0) return undefined;
  }
  return sole;
}

function ownAnswer(
  prepared: PreparedSelect,
  access: ShardAccess,
  asking: Asking,
): AsyncIterable<AnswerPart> | undefined {
  if (access.answer === undefined) return undefined;
  const request = ownRequest(prepared, asking);
  const shardIds = asking.shareIds ?? prepared.places.flatMap(({ shards }) => shards.map(({ id }) => id)); // prettier-ignore
  return request && access.answer(shardIds, request, asking.context.signal);
}

/** A node that is known to have them on one worker answers at once; one that nobody asked yet is described first. */
function otherAnswer(
  prepared: PreparedSelect,
  access: ShardAccess,
  asking: Asking,
): AsyncIterable<AnswerPart> | undefined {
  const [place, ...others] = prepared.places;
  if (place === undefined || others.length > 0) return undefined;
  const shardIds = asking.shareIds ?? place.shards.map(({ id }) => id);
  if (access.described?.(shardIds, place.names)?.lanes.length !== 1) return undefined;
  const request = askedRequest(prepared, asking);
  if (request === undefined) return undefined;
  const { asked, kept } = request;
  const { signal } = asking.context;
  return access.answerFor?.(asked, { deadlineMs: fragmentSilenceMs, signal, kept });
}

const ownGroups = new ApartKind(apartQuestion);

/** Each owner answers for groups of its own, as far as anybody knows. */
function sharedAnswer(
  prepared: PreparedSelect,
  [owners, ...others]: readonly Owners[],
  asking: Asking,
): AsyncIterator<AnswerPart> | undefined {
  const { ports, form } = asking;
  if (owners === undefined || others.length > 0 || form.chunkRowsMax !== undefined)
    return undefined;
  if (owners.size < 2 || !holdsItsPoints(prepared.compiled)) return undefined;
  const asked = ownGroups.of(prepared, ports.shards);
  if (asked?.memory.isWorth(asked.question) !== true) return undefined;
  const shares: AsyncIterator<AnswerPart>[] = [];
  // Whoever is waited for hears only so that another has failed.
  const ending = endWith(asking.context.signal);
  const context = { ...asking.context, signal: ending.signal };
  for (const [nodeId, shareIds] of owners) {
    const isOwn = nodeId === ports.meta.nodeId;
    const answer = isOwn ? ownAnswer : otherAnswer;
    const share = answer(prepared, ports.shards.of(nodeId), { ...asking, context, shareIds });
    if (share === undefined) {
      ending.release();
      return undefined;
    }
    // The farthest is asked first.
    shares.splice(isOwn ? shares.length : 0, 0, share[Symbol.asyncIterator]());
  }
  const { ascending } = prepared.compiled;
  const account = ports.accounts.open();
  return partedAnswer(shares, { ...asked, ascending, account, ending });
}
