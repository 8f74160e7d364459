import { requiredOwners } from '../../../src/data/write/consistency.ts';
import type { LocalShards } from '../../../src/data/engine/local-shards.ts';
import { maxTimeNs, minTimeNs } from '../../../src/base/units.ts';
import { fragmentVersion, type RowsBlock } from '../../../src/query/fragment.ts';
import type { History } from './history.ts';

export const replicaCount = 2;

/** Times of all points that a node holds, read through its own engine. */
export async function storedTimes(local: LocalShards): Promise<Set<bigint>> {
  const times = new Set<bigint>();
  const options = { deadlineMs: 60_000 };
  for (const shardId of await local.shardIds()) {
    const { measurements } = await local.describe([shardId], options);
    if (measurements.length === 0) continue;
    const fragment = {
      version: fragmentVersion,
      measurement: 'm',
      shardIds: [shardId],
      minTimeNs,
      maxTimeNs,
      ascending: true,
      groupBy: [],
      task: {
        kind: 'rows',
        columns: [{ kind: 'field', name: 'f', type: 'integer' }],
        rowsMax: 0,
      },
    } as const;
    for await (const block of local.fragment(fragment, options))
      for (const timeNs of (block as RowsBlock).timesNs) times.add(timeNs);
  }
  return times;
}

/**
 * Nothing acknowledged is lost, nothing is invented, no batch is there in part:
 * - what an owner called durable is on it;
 * - an acknowledged batch is on as many owners as its level asks for.
 */
export function checkStored(
  history: History,
  stored: ReadonlyMap<string, ReadonlySet<bigint>>,
): void {
  for (const [node, times] of stored) {
    const counts = new Map<number, number>();
    for (const timeNs of times) {
      const batch = history.batchOf(timeNs);
      if (batch === undefined) throw new Error(`${node} has a point at ${timeNs} nobody wrote`);
      counts.set(batch.id, (counts.get(batch.id) ?? 0) + 1);
    }
    for (const [id, count] of counts)
      if (count !== history.asked.get(id)?.timesNs.length)
        throw new Error(`${node} has ${count} points of batch ${id}, a part of it`);
    for (const id of history.durable.get(node) ?? [])
      if (!counts.has(id)) throw new Error(`${node} has lost batch ${id}, which it acknowledged`);
  }
  for (const id of history.acknowledged.keys()) {
    const batch = history.asked.get(id);
    const [first = 0n] = batch?.timesNs ?? [];
    const owners = [...stored].filter(([, times]) => times.has(first)).map(([node]) => node);
    const required = requiredOwners(batch?.level ?? 'one', replicaCount);
    if (owners.length < required)
      throw new Error(`batch ${id} was acknowledged at ${batch?.level}, and is on ${owners.length} owners`); // prettier-ignore
  }
}

/** A complete answer holds every point that all owners had acknowledged before it was asked for. */
export function checkAnswer(
  history: History,
  answer: ReadonlySet<bigint>,
  since: { readonly ids: readonly number[]; readonly catalogIndex: number },
): void {
  for (const timeNs of answer)
    if (history.batchOf(timeNs) === undefined) throw new Error(`a query answered ${timeNs}, which nobody wrote`); // prettier-ignore
  for (const id of since.ids) {
    const batch = history.asked.get(id);
    const isKnown = (history.acknowledged.get(id) ?? Infinity) <= since.catalogIndex;
    if (batch?.level !== 'all' || !isKnown) continue;
    const missing = batch.timesNs.filter((timeNs) => !answer.has(timeNs));
    if (missing.length > 0) throw new Error(`a query missed batch ${id}, which all owners have`);
  }
}
