/**
 * The open shards of a worker, by id and by database: what is asked of all shards of a database at each write goes through no
 * others.
 */
import type { OpenShard } from './open-shards.ts';

const none: ReadonlySet<OpenShard> = new Set();

export class ShardMap extends Map<number, OpenShard> {
  readonly #databases = new Map<string, Set<OpenShard>>();
  readonly #goneCounts = new Map<string, number>();
  #version = 0;

  /** Grows whenever a shard comes or goes. */
  get version(): number {
    return this.#version;
  }

  /** That have open shards. */
  get databases(): Iterable<string> {
    return this.#databases.keys();
  }

  /** Those of a database. */
  of(database: string): ReadonlySet<OpenShard> {
    return this.#databases.get(database) ?? none;
  }

  /** How many of a database have gone so far. */
  goneCount(database: string): number {
    return this.#goneCounts.get(database) ?? 0;
  }

  override set(shardId: number, open: OpenShard): this {
    this.delete(shardId);
    const { database } = open.place;
    const own = this.#databases.get(database) ?? new Set();
    own.add(open);
    this.#databases.set(database, own);
    this.#version++;
    return super.set(shardId, open);
  }

  override delete(shardId: number): boolean {
    const open = this.get(shardId);
    if (open === undefined) return false;
    const { database } = open.place;
    const own = this.#databases.get(database);
    own?.delete(open);
    if (own?.size === 0) this.#databases.delete(database);
    this.#goneCounts.set(database, this.goneCount(database) + 1);
    this.#version++;
    return super.delete(shardId);
  }

  override clear(): void {
    this.#databases.clear();
    this.#version++;
    super.clear();
  }
}
