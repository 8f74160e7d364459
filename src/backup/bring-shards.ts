/**
 * The shards of a restore, each to all of its new owners at once (spec F84).
 *
 * Invariants:
 * - A shard is at an owner whole or not at all, and is read once it is at all of them; what came to it meanwhile stays above what is
 *   restored.
 * - An owner that restarts is waited for; one that stays away ends the restore.
 * - A damaged archive costs its own shard alone: it is said, the others are brought, and the restore fails at its end. So it is with a
 *   shard that has no owner any more.
 */
import { inLanes } from '../base/async/in-lanes.ts';
import { DbError, errorText, isDbError, type DbErrorCode } from '../base/errors.ts';
import { formatElapsed } from '../influxql/duration.ts';
import type { Catalog } from '../meta/model/catalog.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import type { ManifestShard } from './manifest.ts';
import type { RestorePorts, ShardInstall } from './restore-target.ts';
import type { RestoredShard } from './restore-content.ts';
import { shardFiles } from './shard-archive.ts';
import { shardsAtOnce } from './take-backup.ts';

/** A shard of the backup, and the one that it becomes. */
export interface Target {
  readonly shard: RestoredShard;
  readonly file: ManifestShard;
  readonly place: ShardPlace;
}

/** A data node that restarts is back after some seconds; one with thousands of shards after a minute. */
const ownerWithinMsDefault = 120_000;
const ownerPollMs = 1_000;
const breakCodes = ['unavailable', 'timeout', 'shutdown', 'outcome_unknown', 'not_found'] as const;

/** What is wrong with one shard alone. */
const ownCodes = ['corrupt', 'node_not_found'] as const;

/** Throws the first failure. Of damaged archives, and of shards without an owner, that is after all others were brought. */
export async function bringShards(
  ports: RestorePorts,
  catalog: Catalog,
  targets: readonly Target[],
): Promise<void> {
  const failed: DbError[] = [];
  await inLanes(targets, shardsAtOnce, async (one) => {
    try {
      await restoreShard(ports, catalog, one);
    } catch (error) {
      if (!isDbError(error) || !isAny(error, ownCodes)) throw error;
      failed.push(error);
      ports.out(`${error.message}\n`);
    }
  });
  const [first] = failed;
  if (first === undefined) return;
  if (failed.length === 1) throw first;
  throw new DbError(first.code, `${failed.length} of ${targets.length} shards could not be restored, the first: ${first.message}`, { cause: first }); // prettier-ignore
}

async function restoreShard(
  ports: RestorePorts,
  { dataNodes }: Catalog,
  { shard, file, place }: Target,
): Promise<void> {
  const { clock, out } = ports;
  const startMs = clock.monotonicMs();
  const nodes = place.shard.owners.map(
    (owner) => dataNodes.find(({ id }) => id === owner)?.tcpAddress ?? '',
  );
  const [from, to] = [shard.id, place.shard.id];
  const failedText = `shard ${from} could not be restored into shard ${to}`;
  // Taken by nobody, it would be called restored.
  if (nodes.length === 0) throw new DbError('node_not_found', `${failedText}: it has no owner, until DROP SHARD ${to} gives it up`); // prettier-ignore
  try {
    await copyPatiently(ports, { file, place, nodes });
  } catch (error) {
    // Dropped meanwhile, or outlived by its policy, as the points of an old backup are soon after they come.
    if ((await ports.target.catalog()).databases.shard(to) === undefined) {
      sayDropped(ports, from, to);
      return;
    }
    const text = `${failedText}: ${errorText(error)}`;
    throw new DbError(isDbError(error, 'corrupt') ? 'corrupt' : 'unavailable', text, { cause: error }); // prettier-ignore
  }
  await ports.target.finish(to);
  const took = formatElapsed(clock.monotonicMs() - startMs);
  out(`Restoring db ${shard.database}, rp ${shard.retentionPolicy}, shard ${from} to shard ${to}...\n${nodes.map((node) => `Copying data to ${node}... `).join('')}Done. Restored shard ${from} into shard ${to} in ${took}, ${file.size} bytes transferred${file.damaged === true ? ', damaged as it was backed up' : ''}\n`); // prettier-ignore
}

/** That a shard of the backup is not brought, since the one that it was to become is gone. */
export function sayDropped({ out }: Pick<RestorePorts, 'out'>, from: number, to: number): void {
  out(`Restoring shard ${from} to shard ${to}... it was dropped meanwhile\n`);
}

interface CopyTask {
  readonly file: ManifestShard;
  readonly place: ShardPlace;
  readonly nodes: readonly string[];
}

/** Owners that restart are waited for: what they had of the shard is gone then, and it comes from its beginning. */
async function copyPatiently(ports: RestorePorts, task: CopyTask): Promise<void> {
  const { clock, out, ownerWithinMs = ownerWithinMsDefault } = ports;
  let failedAtMs: number | undefined;
  for (;;) {
    const startMs = clock.monotonicMs();
    try {
      await copyToAll(ports, task);
      return;
    } catch (error) {
      const nowMs = clock.monotonicMs();
      // One that took its time has got somewhere: a large shard is not given up by its second break.
      if (failedAtMs === undefined || nowMs - startMs > ownerWithinMs) failedAtMs = nowMs;
      if (!mayComeBack(error) || nowMs - failedAtMs >= ownerWithinMs) throw error;
      if (failedAtMs === nowMs) out(`Waiting for the owners of shard ${task.place.shard.id}: ${errorText(error)}\n`); // prettier-ignore
      await clock.sleep(ownerPollMs);
    }
  }
}

/** A node that is gone, or that has begun anew meanwhile and knows nothing of what was brought. */
function mayComeBack(error: unknown): boolean {
  return isDbError(error) && isAny(error, breakCodes);
}

function isAny({ code }: DbError, codes: readonly DbErrorCode[]): boolean {
  return codes.includes(code);
}

/** The archive is read once, and checked on the way: its checksum is known before any node takes it. */
async function copyToAll({ store, decompress, target }: RestorePorts, to: CopyTask): Promise<void> {
  const installs: ShardInstall[] = [];
  try {
    for (const node of to.nodes) installs.push(await target.install(node, to.place));
    for await (const { name, sizeBytes, content } of shardFiles(store, to.file, decompress)) {
      await Promise.all(installs.map((one) => one.begin({ name, sizeBytes })));
      for await (const piece of content) await Promise.all(installs.map((one) => one.write(piece)));
    }
    await Promise.all(installs.map((one) => one.commit()));
  } catch (error) {
    // They end by themselves too, where a node is gone.
    await Promise.allSettled(installs.map((one) => one.abort()));
    throw error;
  }
}
