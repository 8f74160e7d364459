import type { BlockStream } from '../../query/assemble/merge-groups.ts';
import type { Fragment, RowsBlock, WindowsBlock } from '../../query/fragment.ts';
import type { ScanPart } from '../../query/plan/level-plan.ts';
import { fragmentOfLane } from '../../query/plan/fragment-of-lane.ts';
import type { ListRequest } from '../engine/lists/schema-list.ts';
import type { FragmentOptions } from '../engine/shard-access.ts';
import { ListedKeys } from '../../query/run/listed-keys.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import type { SelectLimits } from '../../query/run/select-limits.ts';
import { onNode } from '../shards/node-failure.ts';
import type { Participant, Place } from './select-places.ts';

/** A fragment may be silent while it reads; dead peers are found by the transport. */
export const fragmentSilenceMs = 3_600_000;

export interface OpenOptions {
  readonly signal: AbortSignal;
  readonly limits: SelectLimits;
}

/** What one lane of a node is asked of a scan's part. */
export interface LaneFragment {
  readonly participant: Participant;
  readonly fragment: Fragment;
}

/** Of each worker of each node that has shards of a scan's part. */
export function lanesOf(
  { found, fragment }: ScanPart,
  places: readonly Place[],
  { limits: { seriesMax, pointsMax } }: OpenOptions,
): readonly LaneFragment[] {
  const { participants = [], isParted = false } = placeOf(found, places) ?? {};
  const laneCount = participants.reduce((sum, { description }) => sum + description.lanes.length, 0); // prettier-ignore
  const showsSeries = isParted && laneCount > 1;
  return participants.flatMap((participant) =>
    participant.description.lanes.map((shardIds) => {
      const lane = { shardIds, seriesMax, pointsMax, showsSeries };
      return { participant, fragment: fragmentOfLane(fragment, lane) };
    }),
  );
}

/** One stream of blocks from each of them. */
export function openFragments(
  part: ScanPart,
  places: readonly Place[],
  options: OpenOptions,
): readonly BlockStream<RowsBlock | WindowsBlock>[] {
  return lanesOf(part, places, options).map(({ participant, fragment }) => openOnParticipant(fragment, participant, options.signal)); // prettier-ignore
}

/** The blocks that a node answers over shards of one lane; its failures name it. */
export function openOnParticipant(
  fragment: Fragment,
  participant: Participant,
  signal: AbortSignal,
): BlockStream<RowsBlock | WindowsBlock> {
  const blocks = participant.access.fragment(fragment, optionsFor(participant, signal));
  return watched(participant, blocks[Symbol.asyncIterator]());
}

export function optionsFor({ memory }: Participant, signal: AbortSignal): FragmentOptions {
  const describedAt = memory?.isCurrent === false ? memory.mark : undefined;
  return { deadlineMs: fragmentSilenceMs, signal, describedAt };
}

/** The keys of the series that a scan's part may read, as far as its predicate tells by tags alone; `countMax` are enough. */
export async function listSeriesKeys(
  { found, fragment }: ScanPart,
  places: readonly Place[],
  { signal, account, countMax }: { readonly signal: AbortSignal; readonly account: QueryAccount; readonly countMax?: number | undefined }, // prettier-ignore
): Promise<ListedKeys> {
  const place = placeOf(found, places);
  const keys = new ListedKeys(account);
  for (const { nodeId, access, description } of place?.participants ?? [])
    for (const shardIds of description.lanes)
      await onNode(nodeId, async () => {
        const { measurement: name, predicate } = fragment;
        const request: ListRequest = {
          of: 'series',
          shardIds,
          measurements: [
            { name, predicate, ...(countMax !== undefined && { textsMax: countMax }) },
          ],
        };
        const options = { deadlineMs: fragmentSilenceMs, signal };
        for await (const pieces of access.list(request, options))
          for (const { texts } of pieces) keys.add(texts);
      });
  return keys;
}

function placeOf(
  { database, retentionPolicy }: ScanPart['found'],
  places: readonly Place[],
): Place | undefined {
  return places.find((one) => one.database === database && one.retentionPolicy === retentionPolicy);
}

/** The blocks of a stream of batches, whose failures name the node. */
function watched<T>(
  { nodeId, memory }: Participant,
  batches: AsyncIterator<readonly T[]>,
): BlockStream<T> {
  let batch: readonly T[] = [];
  let taken = 0;
  const nextBatch = async (): Promise<T | undefined> => {
    while (taken === batch.length) {
      const next = await onNode(nodeId, () => batches.next());
      if (memory !== undefined) memory.isCurrent = true;
      if (next.done === true) return undefined;
      [batch, taken] = [next.value, 0];
    }
    return batch[taken++];
  };
  return {
    next: () => (taken < batch.length ? batch[taken++] : nextBatch()),
    close: async () => {
      await batches.return?.();
    },
  };
}
