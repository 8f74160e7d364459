/**
 * Retention enforcement (spec F32): marks shard groups that have outlived their policy as deleted, and removes from the
 * catalog what was marked two weeks ago. A marked group is read and written no more, and its shards leave the disks of their
 * owners as those of a dropped database do.
 *
 * Invariants:
 * - Only whole groups go: a point lives as long as its policy says, and up to the duration of a group longer.
 * - What a check could not do the next one does.
 */
import { Tasks } from '../base/async/tasks.ts';
import { errorText, isDbError } from '../base/errors.ts';
import { dayNs } from '../base/units.ts';
import type { Clock, Timer } from '../env/clock.ts';
import type { Log } from '../env/log.ts';
import type { MetaAccess } from '../meta/client/meta-access.ts';
import type { Catalog, RetentionPolicy, ShardGroup } from '../meta/model/catalog.ts';

export interface ServicePorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'execute'>;
}

/** How long a deleted group stays in the catalog. */
export const deletedGroupKeptNs = 14n * dayNs;

const goneCodes = ['database_not_found', 'retention_policy_not_found', 'shard_not_found'] as const;

export class RetentionService {
  readonly #ports: ServicePorts;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  #isChecking = false;
  #isClosed = false;

  /** `checkIntervalMs` is `[retention] check-interval`. */
  constructor(ports: ServicePorts, { checkIntervalMs }: { readonly checkIntervalMs: number }) {
    this.#ports = ports;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the retention service failed', { name, error: errorText(error) });
    });
    ports.log.info('Starting retention policy enforcement service', { checkIntervalMs });
    this.#timer = ports.clock.every(checkIntervalMs, () => {
      this.#tasks.spawn('retention check', this.check());
    });
  }

  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { log } = this.#ports;
    try {
      const isWhole = (await this.#deleteExpired()) && (await this.#prune());
      if (!isWhole)
        log.info('One or more errors occurred during shard deletion and will be retried on the next check'); // prettier-ignore
    } finally {
      this.#isChecking = false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    await this.#tasks.settled();
  }

  /** False when some could not be. */
  async #deleteExpired(): Promise<boolean> {
    const { clock, log, meta } = this.#ports;
    const nowNs = clock.wallNs();
    let isWhole = true;
    for (const { database, retentionPolicy, groupId } of expiredGroups(meta.catalog, nowNs)) {
      if (this.#isClosed) return isWhole;
      const place = { db: database, retentionPolicy, shardGroup: groupId };
      try {
        await meta.execute({
          kind: 'delete-shard-group',
          database,
          retentionPolicy,
          groupId,
          nowNs,
        });
        log.info('Deleted shard group', place);
      } catch (error) {
        // Another node, or whoever dropped it, was faster.
        if (goneCodes.some((code) => isDbError(error, code))) continue;
        isWhole = false;
        log.error('Failed to delete shard group', { ...place, error: errorText(error) });
      }
    }
    return isWhole;
  }

  async #prune(): Promise<boolean> {
    const { clock, log, meta } = this.#ports;
    const beforeNs = clock.wallNs() - deletedGroupKeptNs;
    if (this.#isClosed || !hasDeletedBefore(meta.catalog, beforeNs)) return true;
    try {
      await meta.execute({ kind: 'prune-shard-groups', beforeNs });
      return true;
    } catch (error) {
      log.error('Error pruning shard groups', { error: errorText(error) });
      return false;
    }
  }
}

interface ExpiredGroup {
  readonly database: string;
  readonly retentionPolicy: string;
  readonly groupId: number;
}

/** Groups that ended longer ago than their policy keeps points. */
function expiredGroups({ databases }: Catalog, nowNs: bigint): readonly ExpiredGroup[] {
  const expired: ExpiredGroup[] = [];
  for (const { name: database, retentionPolicies } of databases) {
    for (const policy of retentionPolicies) {
      for (const group of policy.shardGroups) {
        if (!isExpired(policy, group, nowNs)) continue;
        expired.push({ database, retentionPolicy: policy.name, groupId: group.id });
      }
    }
  }
  return expired;
}

function isExpired({ durationNs }: RetentionPolicy, group: ShardGroup, nowNs: bigint): boolean {
  return durationNs !== 0n && group.deletedAtNs === undefined && group.endNs + durationNs < nowNs;
}

function hasDeletedBefore({ databases }: Catalog, beforeNs: bigint): boolean {
  for (const { retentionPolicies } of databases)
    for (const { shardGroups } of retentionPolicies)
      for (const { deletedAtNs } of shardGroups)
        if (deletedAtNs !== undefined && deletedAtNs < beforeNs) return true;
  return false;
}
