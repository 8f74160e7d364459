import { isDbError } from '../../base/errors.ts';
import { chooseOwners } from '../shards/choose-owners.ts';
import type { ShardAccess, ShardsDescription } from '../engine/shard-access.ts';
import { shardsNow } from '../shards/moved-shards.ts';
import { onNode } from '../shards/node-failure.ts';
import type { Attempt } from './select-context.ts';
import {
  placeOf,
  type DescriptionMemory,
  type Participant,
  type Place,
  type PlaceShards,
} from './select-places.ts';

/** What a node is asked before a query runs on it may take so long. */
const deadlineMs = 10_000;

interface AskedShards {
  readonly shardIds: readonly number[];
  readonly names: readonly string[] | undefined;
}

/** Chooses an owner of each shard and asks what they have; most often that is known, and nobody waits. */
export async function describePlaces(
  places: readonly PlaceShards[],
  attempt: Attempt,
): Promise<readonly Place[]> {
  // With several some are read after pieces of others have left: then it is too late to plan anew.
  const isSole = places.length === 1;
  const trustsMemory = attempt.trustsMemory === true && isSole;
  const isGuarded = attempt.isGuarded === true && isSole;
  const described = places.map((place) =>
    describePlace(place, { ...attempt, trustsMemory, isGuarded }),
  );
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
  const owned = failed.hasMoved ? shardsNow(place.shards, meta.catalog) : place.shards;
  const chosen = [...chooseOwners(owned, preference)];
  const known = chosen.map(([nodeId, shardIds]) => remembered(nodeId, { shardIds, names: place.names }, attempt)); // prettier-ignore
  if (known.every((one) => one !== undefined)) return placeOf(place, known);
  const asked = chosen.map(([nodeId, shardIds]) =>
    describe(nodeId, { shardIds, names: place.names }, attempt),
  );
  return Promise.all(asked).then((participants) => placeOf(place, participants));
}

/** Of this node what its workers said holds, if they do not say otherwise when they read; of others it is to be seen. */
function remembered(
  nodeId: number,
  { shardIds, names }: AskedShards,
  { ports, trustsMemory, isGuarded }: Attempt,
): Participant | undefined {
  const isOwn = nodeId === ports.meta.nodeId;
  if (!isOwn && trustsMemory !== true) return undefined;
  let access: ShardAccess;
  try {
    access = ports.shards.of(nodeId);
  } catch (error) {
    // It has left the cluster: describing says so.
    if (isDbError(error, 'node_not_found')) return undefined;
    throw error;
  }
  const description = access.described?.(shardIds, names);
  if (description === undefined) return undefined;
  const memory = isOwn && isGuarded !== true ? undefined : memoryOf(description, isOwn);
  return { nodeId, access, description, memory };
}

async function describe(
  nodeId: number,
  { shardIds, names }: AskedShards,
  { ports, isGuarded, context: { signal } }: Attempt,
): Promise<Participant> {
  return onNode(nodeId, async () => {
    const access = ports.shards.of(nodeId);
    const options = { deadlineMs, signal, only: names };
    const description: ShardsDescription = await access.describe(shardIds, options);
    return {
      nodeId,
      access,
      description,
      memory: isGuarded === true ? memoryOf(description, true) : undefined,
    };
  });
}

function memoryOf({ mark }: ShardsDescription, isFresh: boolean): DescriptionMemory | undefined {
  return mark === undefined ? undefined : { mark, isFresh, isCurrent: false };
}
