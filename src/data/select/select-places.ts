import { maxTimeNs, minTimeNs } from '../../base/units.ts';
import type { Measurement } from '../../influxql/ast.ts';
import {
  findDatabase,
  findRetentionPolicy,
  type ShardGroup,
  type ShardInfo,
} from '../../meta/model/catalog.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { groupsWithin } from '../../meta/model/shard-groups.ts';
import type { MeasurementSchema } from '../../query/compile/schema.ts';
import type { TimeRange } from '../../query/compile/split-condition.ts';
import { mergeDescriptions } from '../engine/lists/describe-shards.ts';
import type { ShardAccess, ShardsDescription } from '../engine/shard-access.ts';

/** A node that takes part in a query, with what it said of its shards. */
export interface Participant {
  readonly nodeId: number;
  readonly access: ShardAccess;
  readonly description: ShardsDescription;
  /** Where the node is to say that the description holds for what it reads. */
  readonly memory?: DescriptionMemory | undefined;
}

export interface DescriptionMemory {
  readonly mark: string;
  /** The node has said so: nothing more is asked of it. */
  isCurrent: boolean;
  /** It was asked in this attempt, or is this node: nothing has to be read of it. */
  readonly isFresh: boolean;
}

/** A retention policy that a query reads, and who answers for its shards. */
export interface Place {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Several of its shards may have points of the same times. */
  readonly isParted: boolean;
  readonly participants: readonly Participant[];
  /** Sorted by name. */
  readonly schemas: readonly MeasurementSchema[];
}

export interface PlaceShards {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly isParted: boolean;
  readonly shards: readonly ShardInfo[];
  /** The measurements that can be read; undefined when only the schema tells. */
  readonly names: readonly string[] | undefined;
}

/** The policies that measurements name, each once, with the shards in a range of time. */
export function shardsOfPlaces(
  measurements: readonly Measurement[],
  range: TimeRange,
  meta: MetaAccess,
): readonly PlaceShards[] {
  const places = new Map<string, Measurement[]>();
  for (const one of measurements) {
    const key = JSON.stringify([one.database, one.retentionPolicy]);
    const known = places.get(key);
    if (known === undefined) places.set(key, [one]);
    else known.push(one);
  }
  return [...places.values()].flatMap((named) => {
    const [first] = named;
    if (first === undefined) return [];
    const { database, retentionPolicy } = first;
    const found = findDatabase(meta.catalog, database);
    const policy = found && findRetentionPolicy(found, retentionPolicy);
    const groups =
      policy === undefined
        ? []
        : groupsWithin(policy, range.minNs ?? minTimeNs, range.maxNs ?? maxTimeNs);
    const isPlain = named.every(({ regex }) => regex === undefined);
    const names = isPlain ? [...new Set(named.map(({ name }) => name))] : undefined;
    const shards = groups.flatMap((group) => group.shards);
    return [{ database, retentionPolicy, names, shards, isParted: isParted(groups) }];
  });
}

/** Whether groups, in order of time, have several shards or overlap, as where one was cut short and made anew. */
function isParted(groups: readonly ShardGroup[]): boolean {
  let lastEndNs = minTimeNs;
  for (const { startNs, endNs, shards } of groups) {
    if (shards.length > 1 || startNs < lastEndNs) return true;
    if (endNs > lastEndNs) lastEndNs = endNs;
  }
  return false;
}

export function placeOf(
  place: Pick<PlaceShards, 'database' | 'retentionPolicy' | 'isParted'>,
  participants: readonly Participant[],
): Place {
  const { database, retentionPolicy, isParted } = place;
  const schemas = mergeDescriptions(participants.map((one) => one.description.measurements));
  return { database, retentionPolicy, isParted, participants, schemas };
}
