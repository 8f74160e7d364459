/**
 * Answers to SHOW statements over the indexes of shards, kept as the bytes that were sent: dashboards ask the same lists each
 * time they are opened, and new series are few (decision 66).
 *
 * - Of a statement that is asked again (influxql/known-texts.ts gives the same object for the same text) and does not read the
 *   clock, whose shards were all answered for. One that nobody asked before is made as if nobody would again.
 * - For as long as the catalog has the same index, no worker has said that a series, a field or a tag key came or went since
 *   before the list was read, and those who answered lack nothing of these shards: else other owners would be asked.
 * - Of other nodes each is asked, every time, whether that is still so there (decision 81), unless it has given its word that it is
 *   (decision 103).
 * - Bounded by bytes, with those of its form as gzip; those asked for longest ago go first.
 */
import { Buffer } from 'node:buffer';
import { RecentMap } from '../../../base/collections/recent-map.ts';
import { isDbError } from '../../../base/errors.ts';
import { MiB } from '../../../base/units.ts';
import type { Expr, Statement } from '../../../influxql/ast.ts';
import type { MetaAccess } from '../../../meta/client/meta-access.ts';
import type { Catalog, ShardInfo } from '../../../meta/model/catalog.ts';
import { visitExpr } from '../../../query/plan/walk-expr.ts';
import type { ClusterShards } from '../../shards/cluster-shards.ts';

/** Lists over ten thousand measurements are shorter; a longer one takes some ten milliseconds to make, and as much of what is kept. */
export const listBytesMax = MiB;
const keptMax = { countMax: 2_048, weightMax: 16 * MiB };
/** What an answer weighs of its bytes: its form as gzip may be kept beside it (http/data/answers/zip-answer.ts). */
const keptWeight = 1.5;
/** Of one answer: whether this node lacks something is asked of each. */
const shardsMax = 256;
/** Nodes that are asked whether it holds. */
const othersMax = 8;
const marksDeadlineMs = 1_000;

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
  /** Who answered, by shard. */
  readonly owners: ReadonlyMap<number, number>;
  /** What stood for the lists of the other nodes among them. */
  readonly marks: ReadonlyMap<number, string>;
  readonly bytes: Buffer;
}

/** A list that is being made, and may be kept. */
export interface Listing {
  /** Told of the shards that are read and by whom, each time anew when a node has failed. */
  chosen(shards: readonly ShardInfo[], owners: ReadonlyMap<number, readonly number[]>): void;
  /** Told what stood for the lists of another node before anything of its lists was read. */
  answeredBy(nodeId: number, mark: string): void;
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

  /** A promise where other nodes have to say whether it holds. */
  find(
    statement: Statement,
    place: ListPlace,
    signal: AbortSignal,
  ): Buffer | Promise<Buffer | undefined> | undefined {
    const kept = this.#kept.get(statement);
    if (kept === undefined || !this.#holds(kept, place)) return undefined;
    return this.#isPledged(kept) ? kept.bytes : this.#confirmed(kept, signal);
  }

  #isPledged({ marks }: Kept): boolean {
    const { shards } = this.#ports;
    try {
      for (const [nodeId, mark] of marks) if (shards.of(nodeId).pledgedLists !== mark) return false;
      return true;
    } catch (error) {
      // It has left the cluster: who asks it is told.
      if (isDbError(error)) return false;
      throw error;
    }
  }

  /** Undefined as well where one of them does not say it in time. */
  async #confirmed({ marks, bytes }: Kept, signal: AbortSignal): Promise<Buffer | undefined> {
    const { shards } = this.#ports;
    const options = { deadlineMs: marksDeadlineMs, signal };
    try {
      const hold = await Promise.all(
        [...marks].map(async ([nodeId, mark]) => (await shards.of(nodeId).marks?.(options))?.lists === mark), // prettier-ignore
      );
      return hold.every(Boolean) ? bytes : undefined;
    } catch (error) {
      // It is told the general way, which knows other owners.
      if (isDbError(error)) return undefined;
      throw error;
    }
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
    let [isWhole, isAnswered] = [true, false];
    const owners = new Map<number, number>();
    const marks = new Map<number, string>();
    return {
      chosen: (shards, chosen) => {
        let chosenCount = 0;
        for (const [nodeId, shardIds] of chosen)
          for (const shardId of shardIds) {
            // Tried again, or read by two scopes: what was heard was of another try.
            if ((owners.get(shardId) ?? nodeId) !== nodeId) isWhole = false;
            owners.set(shardId, nodeId);
            chosenCount++;
          }
        if (chosenCount !== shards.length) isWhole = false;
      },
      answeredBy: (nodeId, mark) => {
        if ((marks.get(nodeId) ?? mark) !== mark) isWhole = false;
        marks.set(nodeId, mark);
      },
      answered: () => {
        isAnswered = true;
      },
      keep: (bytes) => {
        const isSmall = bytes.length <= listBytesMax && owners.size <= shardsMax;
        const others = new Set([...owners.values()].filter((nodeId) => nodeId !== meta.nodeId));
        const isHeard = others.size === marks.size && others.size <= othersMax;
        if (!isWhole || !isHeard || !isAnswered || !isSmall) return;
        const state = { catalog: { clusterId, index }, listVersion, owners, marks };
        const kept = { database, retentionPolicy, ...state, bytes: Buffer.from(bytes) };
        this.#kept.set(statement, kept, bytes.length * keptWeight);
      },
    };
  }

  #holds({ catalog, listVersion, owners, ...kept }: Kept, place: ListPlace): boolean {
    const { meta, shards } = this.#ports;
    const { clusterId, index } = meta.catalog;
    if (kept.database !== place.database || kept.retentionPolicy !== place.retentionPolicy)
      return false;
    if (catalog.index !== index || catalog.clusterId !== clusterId) return false;
    if (listVersion !== this.#listVersion) return false;
    for (const [shardId, nodeId] of owners)
      if (shards.missedAt(shardId, nodeId) !== 0) return false;
    return true;
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
