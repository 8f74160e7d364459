/**
 * Writes that only the holder of a lease may make, looked at by the owners of their shards: one that was held up (a node that
 * stood still, a network that was slow) arrives after another node has got the lease, and must not undo what that one wrote.
 *
 * Invariant: once an owner has taken a write with a token, or its catalog has the lease with it, it takes none with a lower
 * one, as long as it is of the same cluster. An owner that knows of neither has not got the new holder's windows either, and will get them after.
 */
import { DbError } from '../../base/errors.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { LeaseFence } from '../engine/shard-access.ts';

/** Names of leases are few and fixed. */
const namesMax = 64;

export class LeaseFences {
  readonly #meta: Pick<MetaAccess, 'catalog'>;
  /** Highest token that came with a write, by lease. */
  readonly #seen = new Map<string, number>();
  /** Whose leases those are: tokens of another cluster begin anew. */
  #clusterId = 0n;

  constructor(meta: Pick<MetaAccess, 'catalog'>) {
    this.#meta = meta;
  }

  /** Throws `lease_lost` for a fence of an earlier holder. */
  check(fence: LeaseFence | undefined): void {
    if (fence === undefined) return;
    const { lease, token } = fence;
    const { clusterId, leases } = this.#meta.catalog;
    if (clusterId !== this.#clusterId) this.#seen.clear();
    this.#clusterId = clusterId;
    const held = leases.find(({ name }) => name === lease);
    const seen = this.#seen.get(lease) ?? 0;
    if (token < Math.max(seen, held?.token ?? 0))
      throw new DbError('lease_lost', `another node has the lease: ${lease}`);
    if (token > seen && (this.#seen.has(lease) || this.#seen.size < namesMax))
      this.#seen.set(lease, token);
  }
}
