import { chooseOwners } from '../shards/choose-owners.ts';
import type { ShardsDescription } from '../engine/shard-access.ts';
import { onNode } from '../shards/node-failure.ts';
import type { Attempt } from './select-context.ts';
import { placeOf, type Participant, type Place, type PlaceShards } from './select-places.ts';

const deadlineMs = 10_000;

/** Chooses an owner of each shard and asks what they have; most often that is known, and nobody waits. */
export async function describePlaces(
  places: readonly PlaceShards[],
  attempt: Attempt,
): Promise<readonly Place[]> {
  const described = places.map((place) => describePlace(place, attempt));
  return described.every(isPlace)
    ? described
    : Promise.all(described.map((one) => Promise.resolve(one)));
}

function isPlace(place: Place | Promise<Place>): place is Place {
  return !(place instanceof Promise);
}

function describePlace(place: PlaceShards, attempt: Attempt): Place | Promise<Place> {
  const { ports, failed, context } = attempt;
  const { meta, random, shards } = ports;
  const preference = {
    localNodeId: meta.nodeId,
    random,
    failed,
    missedAt: shards.missedAt,
    pinnedNodeId: context.pinnedNodeId,
  };
  const chosen = [...chooseOwners(place.shards, preference)];
  const [first] = chosen;
  if (chosen.length === 1 && first?.[0] === meta.nodeId) {
    const access = shards.of(meta.nodeId);
    const description = access.described?.(first[1], place.names);
    if (description !== undefined) return placeOf(place, [{ nodeId: meta.nodeId, access, description }]); // prettier-ignore
  }
  const asked = chosen.map(([nodeId, shardIds]) =>
    describe(nodeId, { shardIds, names: place.names }, attempt),
  );
  return Promise.all(asked).then((participants) => placeOf(place, participants));
}

async function describe(
  nodeId: number,
  { shardIds, names }: { readonly shardIds: readonly number[]; readonly names: readonly string[] | undefined }, // prettier-ignore
  { ports, context: { signal } }: Attempt,
): Promise<Participant> {
  return onNode(nodeId, async () => {
    const access = ports.shards.of(nodeId);
    const options = { deadlineMs, signal, only: names };
    const description: ShardsDescription = await access.describe(shardIds, options);
    return { nodeId, access, description };
  });
}
