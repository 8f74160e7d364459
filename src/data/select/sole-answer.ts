import type { SelectStatement } from '../../influxql/ast.ts';
import { taskText, type AnswerPart, type AnswerRequest } from '../engine/answers/answer-task.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import { FailedOwners } from '../shards/failed-owners.ts';
import type { SelectContext, SelectPorts } from './select-context.ts';
import { prepareSelect, type PreparedSelect } from './select-runner.ts';

/** Texts of tasks by what they were prepared as; '' for what is not answered so. */
const texts = new WeakMap<PreparedSelect, Map<bigint | undefined, string>>();
const nobody = new FailedOwners();

/**
 * The parts of a SELECT's JSON document where one worker of this node has all shards that it reads, and no owner with more
 * of them is elsewhere; undefined where several have to answer. Throws what tells beforehand that it has no answer.
 */
export function soleAnswer(
  statement: SelectStatement,
  epochUnitNs: bigint | undefined,
  context: SelectContext,
  ports: SelectPorts,
): AsyncIterator<AnswerPart> | undefined {
  const prepared = prepareSelect(statement, context, ports);
  const access = ports.shards.of(ports.meta.nodeId);
  if (access.answer === undefined || !isOwn(prepared, context, ports)) return undefined;
  const shardIds = prepared.places.flatMap(({ shards }) => shards.map(({ id }) => id));
  const request = requestOf(prepared, epochUnitNs, { context, ports });
  return request && access.answer(shardIds, request, context.signal)?.[Symbol.asyncIterator]();
}

/** Whether this node is the owner to ask of every shard, and there is one. */
function isOwn({ places }: PreparedSelect, context: SelectContext, ports: SelectPorts): boolean {
  const { meta, random, shards } = ports;
  if (places.every((place) => place.shards.length === 0)) return false;
  return places.every((place) => {
    const chosen = chooseOwners(place.shards, {
      localNodeId: meta.nodeId,
      random,
      failed: nobody,
      missedAt: shards.missedAt,
      pinnedNodeId: context.pinnedNodeId,
    });
    const own = chosen.get(meta.nodeId) ?? [];
    return chosen.size <= 1 && own.length === place.shards.length;
  });
}

function requestOf(
  prepared: PreparedSelect,
  epochUnitNs: bigint | undefined,
  { context, ports }: { readonly context: SelectContext; readonly ports: SelectPorts },
): AnswerRequest | undefined {
  const { nowNs } = context;
  const known = texts.get(prepared)?.get(epochUnitNs);
  if (known !== undefined) return known === '' ? undefined : { text: known, nowNs, isKept: true };
  const { compiled, range, places } = prepared;
  const { seriesMax, pointsMax } = ports.accounts.limits;
  const text = taskText({
    statement: compiled.statement,
    range,
    places: places.map(({ shards, ...place }) => ({
      ...place,
      shardIds: shards.map(({ id }) => id),
    })),
    bucketsMax: context.bucketsMax,
    seriesMax,
    pointsMax,
    epochUnitNs,
  });
  // What is prepared anew each time would never be found again.
  if (prepared.plans !== undefined) {
    const ofPrepared = texts.get(prepared) ?? new Map<bigint | undefined, string>();
    texts.set(prepared, ofPrepared.set(epochUnitNs, text ?? ''));
  }
  return text === undefined ? undefined : { text, nowNs, isKept: false };
}
