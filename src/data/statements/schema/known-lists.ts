/**
 * Answers to SHOW statements over the indexes of shards, kept as the bytes that were sent: dashboards ask the same lists each
 * time they are opened, and new series are few (decision 66).
 *
 * - Of a statement that is asked again (influxql/known-texts.ts gives the same object for the same text) and does not read the
 *   clock, whose shards this node all answered for. One that nobody asked before is made as if nobody would again.
 * - For as long as the catalog has the same index, no worker has said that a series, a field or a tag key came or went since
 *   before the list was read, and this node lacks nothing of these shards: else another owner would be asked.
 * - Bounded by bytes; those asked for longest ago go first.
 */
import { Buffer } from 'node:buffer';
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { MiB } from '../../../base/units.ts';
import type { Expr, Statement } from '../../../influxql/ast.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { Catalog, ShardInfo } from '../../../meta/model/catalog.ts';
import { visitExpr } from '../../../query/plan/walk-expr.ts';
import type { ClusterShards } from '../../shards/cluster-shards.ts';

/** Longer answers take longer to send than to make. */
const answerBytesMax = 262_144;
const keptMax = { countMax: 2_048, weightMax: 8 * MiB };
/** Of one answer: whether this node lacks something is asked of each. */
const shardsMax = 256;

export interface KnownListsPorts {
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly shards: Pick<ClusterShards, 'of' | 'missedAt'>;
}

/** Where a statement is asked. */
export interface ListPlace {
  readonly database: string;
  readonly retentionPolicy: string;
}

interface Kept extends ListPlace {
  readonly catalog: Pick<Catalog, 'clusterId' | 'index'>;
  readonly listVersion: number;
  readonly shardIds: readonly number[];
  readonly bytes: Buffer;
}

/** A list that is being made, and may be kept. */
export interface Listing {
  /** Told of the shards that are read and by whom, each time anew when a node has failed. */
  chosen(shards: readonly ShardInfo[], owners: ReadonlyMap<number, readonly number[]>): void;
  /** It is an answer, and no error. */
  answered(): void;
  keep(bytes: Buffer): void;
}

export class KnownLists {
  readonly #ports: KnownListsPorts;
  /** They weigh their bytes. */
  readonly #kept = new RecentMap<Statement, Kept>(keptMax);
  readonly #askedOnce = new WeakSet<Statement>();

  constructor(ports: KnownListsPorts) {
    this.#ports = ports;
  }

  find(statement: Statement, place: ListPlace): Buffer | undefined {
    const kept = this.#kept.get(statement);
    return kept !== undefined && this.#holds(kept, place) ? kept.bytes : undefined;
  }

  /** What gathers an answer that may be kept; undefined where it may not. */
  begin(statement: Statement, { database, retentionPolicy }: ListPlace): Listing | undefined {
    const listVersion = this.#listVersion;
    if (listVersion === undefined || !isKept(statement)) return undefined;
    if (!this.#askedOnce.has(statement)) {
      this.#askedOnce.add(statement);
      return undefined;
    }
    const { meta } = this.#ports;
    const { clusterId, index } = meta.catalog;
    let [isOwn, isAnswered] = [true, false];
    const shardIds = new Set<number>();
    return {
      chosen: (shards, owners) => {
        const own = owners.get(meta.nodeId) ?? [];
        if (own.length !== shards.length) isOwn = false;
        for (const { id } of shards) shardIds.add(id);
      },
      answered: () => {
        isAnswered = true;
      },
      keep: (bytes) => {
        const isSmall = bytes.length <= answerBytesMax && shardIds.size <= shardsMax;
        if (!isOwn || !isAnswered || !isSmall) return;
        const state = { catalog: { clusterId, index }, listVersion, shardIds: [...shardIds] };
        const kept = { database, retentionPolicy, ...state, bytes: Buffer.from(bytes) };
        this.#kept.set(statement, kept, bytes.length);
      },
    };
  }

  #holds({ catalog, listVersion, shardIds, ...kept }: Kept, place: ListPlace): boolean {
    const { meta, shards } = this.#ports;
    const { clusterId, index } = meta.catalog;
    if (kept.database !== place.database || kept.retentionPolicy !== place.retentionPolicy)
      return false;
    if (catalog.index !== index || catalog.clusterId !== clusterId) return false;
    if (listVersion !== this.#listVersion) return false;
    return shardIds.every((shardId) => shards.missedAt(shardId, meta.nodeId) === 0);
  }

  get #listVersion(): number | undefined {
    const { meta, shards } = this.#ports;
    return shards.of(meta.nodeId).listVersion;
  }
}

/** Whether it lists what indexes have, the same at any time. */
function isKept(statement: Statement): boolean {
  switch (statement.kind) {
    case 'show-measurements':
    case 'show-series':
    case 'show-field-keys':
    case 'show-tag-keys':
    case 'show-tag-values':
      return statement.condition === undefined || !readsTime(statement.condition);
    default:
      return false;
  }
}

function readsTime(condition: Expr): boolean {
  let found = false;
  visitExpr(condition, (part) => {
    found ||= part.kind === 'call' || (part.kind === 'ref' && part.name.toLowerCase() === 'time');
  });
  return found;
}
