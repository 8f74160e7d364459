/**
 * What other nodes said of their shards, with the mark of their schemas then: a SELECT plans with it at once, and the node that
 * is sent the mark with the fragment says `schema_changed` where it is another by now (data/shards/served-shards.ts). So nothing
 * is asked beforehand, and nothing that a write has made since is missed.
 *
 * - What is large is asked for each time; past so many all are forgotten.
 */
import type { DescribeRequest, ShardsDescription } from '../engine/shard-access.ts';

const keptMax = 256;
/** Measurements, fields and tag keys of one. */
const namesMax = 4_096;

export class KnownDescriptions {
  readonly #kept = new Map<string, ShardsDescription>();

  find(address: string, request: DescribeRequest): ShardsDescription | undefined {
    return this.#kept.get(keyOf(address, request));
  }

  keep(address: string, request: DescribeRequest, description: ShardsDescription): void {
    if (description.mark === undefined || nameCount(description) > namesMax) return;
    if (this.#kept.size >= keptMax) this.#kept.clear();
    this.#kept.set(keyOf(address, request), description);
  }

  /** A node has changed: what it said is not tried again. */
  forget(address: string): void {
    for (const key of this.#kept.keys()) if (key.startsWith(`${address} `)) this.#kept.delete(key);
  }
}

function keyOf(address: string, { shardIds, only }: DescribeRequest): string {
  return `${address} ${JSON.stringify([shardIds, only])}`;
}

function nameCount({ measurements }: ShardsDescription): number {
  return measurements.reduce((sum, { fields, tagKeys }) => sum + 1 + fields.length + tagKeys.length, 0); // prettier-ignore
}
