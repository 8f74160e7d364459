/**
 * Shard precreation (spec F31): makes the successor of a policy's last shard group shortly before that ends, so that the first
 * point of the next one finds its shards. A policy without groups, or whose last one ended, gets none: nobody writes there.
 */
import { Tasks } from '../base/async/tasks.ts';
import { errorText } from '../base/errors.ts';
import { maxTimeNs } from '../base/units.ts';
import type { Timer } from '../env/clock.ts';
import type { Catalog } from '../meta/model/catalog.ts';
import { groupAt } from '../meta/model/shard-groups.ts';
import type { ServicePorts } from './retention.ts';

export interface PrecreationOptions {
  /** `[shard-precreation] check-interval`. */
  readonly checkIntervalMs: number;
  /** `[shard-precreation] advance-period`. */
  readonly advancePeriodMs: number;
}

export class PrecreationService {
  readonly #ports: ServicePorts;
  readonly #options: PrecreationOptions;
  readonly #timer: Timer;
  readonly #tasks: Tasks;
  #isChecking = false;
  #isClosed = false;

  constructor(ports: ServicePorts, options: PrecreationOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of the precreation service failed', {
        name,
        error: errorText(error),
      });
    });
    ports.log.info('Starting precreation service', { ...options });
    this.#timer = ports.clock.every(options.checkIntervalMs, () => {
      this.#tasks.spawn('precreation', this.check());
    });
  }

  async check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const { clock, log, meta } = this.#ports;
    try {
      const nowNs = clock.wallNs();
      const untilNs = nowNs + BigInt(Math.round(this.#options.advancePeriodMs * 1_000_000));
      for (const { database, retentionPolicy, timeNs } of dueGroups(meta.catalog, nowNs, untilNs)) {
        if (this.#isClosed) return;
        const place = { db: database, retentionPolicy };
        try {
          await meta.execute({ kind: 'create-shard-groups', database, retentionPolicy, timesNs: [timeNs] }); // prettier-ignore
          log.info('New shard group successfully precreated', place);
        } catch (error) {
          log.info('Failed to precreate successive shard group', { ...place, error: errorText(error) }); // prettier-ignore
        }
      }
    } finally {
      this.#isChecking = false;
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#timer.cancel();
    await this.#tasks.settled();
  }
}

interface DueGroup {
  readonly database: string;
  readonly retentionPolicy: string;
  /** Within the group to be made. */
  readonly timeNs: bigint;
}

/** Successors that are not there yet of last groups that end after `nowNs` and before `untilNs`. */
function dueGroups({ databases }: Catalog, nowNs: bigint, untilNs: bigint): readonly DueGroup[] {
  const due: DueGroup[] = [];
  for (const { name: database, retentionPolicies } of databases) {
    for (const policy of retentionPolicies) {
      const last = policy.shardGroups.at(-1);
      if (last === undefined || last.deletedAtNs !== undefined) continue;
      if (last.endNs <= nowNs || last.endNs >= untilNs || last.endNs > maxTimeNs) continue;
      if (groupAt(policy, last.endNs) !== undefined) continue;
      due.push({ database, retentionPolicy: policy.name, timeNs: last.endNs });
    }
  }
  return due;
}
