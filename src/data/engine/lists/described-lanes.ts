import type { DescribeRequest, MeasurementDescription } from '../shard-access.ts';

/** What a worker says of shards of its own, and the version of its schemas then. */
export interface EngineDescription {
  readonly measurements: readonly MeasurementDescription[];
  readonly schemaVersion: number;
}

/** Schemas are small but for a few; past so many lists of shards all are forgotten. */
const keptMax = 256;

/**
 * What workers said of their shards, for as long as no write has said that schemas have grown since. A write tells before
 * it is acknowledged, so that a reader who knows of it is never answered by an older schema.
 */
export class DescribedLanes {
  readonly #kept = new Map<string, EngineDescription>();
  /** Latest version heard of, by number of the worker. */
  readonly #versions = new Map<number, number>();
  #changeCount = 0;

  /** Another number whenever a worker was heard to have other schemas, or shards have gone. */
  get changeCount(): number {
    return this.#changeCount;
  }

  seen(worker: number, schemaVersion: number): void {
    if (schemaVersion <= (this.#versions.get(worker) ?? 0)) return;
    this.#versions.set(worker, schemaVersion);
    this.#changeCount++;
  }

  find(worker: number, request: DescribeRequest): EngineDescription['measurements'] | undefined {
    const kept = this.#kept.get(keyOf(request));
    const latest = this.#versions.get(worker) ?? 0;
    return kept !== undefined && kept.schemaVersion >= latest ? kept.measurements : undefined;
  }

  keep(worker: number, request: DescribeRequest, description: EngineDescription): void {
    this.seen(worker, description.schemaVersion);
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.set(keyOf(request), description);
  }

  /** Shards have gone. */
  clear(): void {
    this.#changeCount++;
    this.#kept.clear();
  }
}

function keyOf({ shardIds, only }: DescribeRequest): string {
  return JSON.stringify([shardIds, only]);
}
