/**
 * Makes all owners of a shard have the same points, from one of them: it is compared with each of the others in turn, and
 * where there are several, with all but the last once more, since what came from a later one they lack.
 *
 * Invariants:
 * - A shard of this node is set aside only where its bytes are wrong, never for a disk that fails, and only once another owner's have
 *   been read.
 * - Where this node has nothing, or nothing that may be read yet, it gets the other owner's files, all or none (bring-shard.ts): an
 *   owner that has got half of a shard would answer with it.
 */
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { Random } from '../../env/random.ts';
import { Slices } from '../../env/slices.ts';
import type { DigestRange } from '../../models/digest-grid.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { rangeOfGroup } from '../../meta/model/shard-groups.ts';
import { queueRepairMethod } from '../../meta/client/digest-methods.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { measurementsOf } from '../engine/delete-filters.ts';
import { isOfNothing } from '../engine/digests/hash-values.ts';
import type { ShardDigests } from '../engine/digests/local-digests.ts';
import type { LocalShards } from '../engine/local-shards.ts';
import { isWrongShard } from '../../storage/engine/damaged-shard.ts';
import type { NamedShard, ShardAccess } from '../engine/shard-access.ts';
import type { RepairedShards } from './repaired-shards.ts';
import { LocalPeer, RemotePeer, type DigestAnswer, type RepairPeer } from './peer.ts';
import type { RepairReport } from '../../services/anti-entropy.ts';
import { nothingDone, repairPair } from './repair-pair.ts';

export interface ShardRepairsPorts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly local: Pick<LocalShards, 'describe' | 'setAside' | 'lacks' | 'expectCopy'> & { readonly digests: ShardDigests }; // prettier-ignore
  /** The files of another owner to this node, which lacks the shard; the bytes that have come. */
  readonly bring: (shard: NamedShard, nodeId: number, signal: AbortSignal) => Promise<number>;
  readonly rpc: Pick<RpcClient, 'call' | 'stream'>;
  /** As whoever writes to an owner has it. */
  readonly of: (nodeId: number) => Pick<ShardAccess, 'describe' | 'writeMany' | 'deletePoints'>;
  readonly take: (bytes: number, signal: AbortSignal) => Promise<void>;
  readonly turn: () => Promise<void>;
  readonly repaired: Pick<RepairedShards, 'note'>;
}

/** How this node and another owner stand. */
export type Comparison = 'equal' | 'differ' | 'own-missing' | 'other-missing';

const writeDeadlineMs = 60_000;
/** So often each owner is compared at the most: writes that go on make new differences. */
const turnsMax = 4;
const describeDeadlineMs = 15_000;
const queueDeadlineMs = 5_000;
/** Of a million series, as when it was said. */
const deleteDeadlineMs = 3_600_000;

export class ShardRepairs {
  readonly #ports: ShardRepairsPorts;

  constructor(ports: ShardRepairsPorts) {
    this.#ports = ports;
  }

  /**
   * Whether this node has a shard that it cannot read and another owner can give it: one whose bytes are wrong, or one that was set
   * aside and awaits what has not come yet. False for one that it has nothing of.
   */
  async isUnreadable(shardId: number): Promise<boolean> {
    const { local } = this.#ports;
    try {
      await local.describe([shardId], { deadlineMs: describeDeadlineMs, only: [] });
      return false;
    } catch (error) {
      if (isWrongShard(error)) return true;
      return isDbError(error, 'unavailable') && local.lacks(shardId).catch(() => false);
    }
  }

  /** Throws what the other owner fails with. */
  async compare(
    shardId: number,
    nodeId: number,
    { isAnew, signal }: { readonly isAnew: boolean; readonly signal: AbortSignal },
  ): Promise<Comparison> {
    const { meta } = this.#ports;
    const { startNs, endNs } = this.#placeOf(shardId);
    const task = { shardId, startNs, endNs, isAnew };
    let mine: DigestAnswer;
    try {
      mine = await this.#peer(meta.nodeId).digest(task, undefined, signal);
    } catch (error) {
      // What cannot be read is as good as not there, once the other one has it.
      if (!isWrongShard(error)) throw error;
      mine = { kind: 'missing' };
    }
    const known = mine.kind === 'digest' ? mine.words : undefined;
    const theirs = await this.#peer(nodeId).digest(task, known, signal);
    return comparisonOf(mine, theirs);
  }

  /**
   * With one owner, or with all. What it has brought until it fails stays. All are known to have the same behind it, unless one of them
   * brings the shard to itself by and by.
   */
  async repair(
    shardId: number,
    { only, signal }: { readonly only?: number | undefined; readonly signal: AbortSignal },
  ): Promise<RepairReport> {
    const { clock, meta, log, repaired } = this.#ports;
    const { owners, ...shard } = this.#placeOf(shardId);
    const beganMs = clock.monotonicMs();
    const others = owners.filter((owner) => owner !== meta.nodeId && (only ?? owner) === owner);
    let sum = nothingDone;
    let mayRenew = true;
    let isLeft = false;
    const failures: unknown[] = [];
    const repairWith = async (other: number): Promise<RepairReport | undefined> => {
      try {
        return await this.#repairWith(other, shard, signal);
      } catch (error) {
        if (!mayRenew || !isWrongShard(error)) throw error;
        mayRenew = false;
        if (!(await this.#renewWrong(shard, others, signal))) throw error;
        return this.#repairWith(other, shard, signal);
      }
    };
    // What one of them brings the others may lack, also those that were equal before: whoever is left differs, as far as is known.
    let left = others;
    for (let turn = 0; turn < turnsMax * others.length; turn++) {
      const [other, ...rest] = left;
      if (other === undefined) break;
      left = rest;
      try {
        const report = await repairWith(other);
        isLeft ||= report === undefined;
        if (report === undefined) continue;
        sum = added(sum, report);
        if (report.ownCount + report.deleteCount > 0) left = [...rest, ...others.filter((one) => one !== other && !rest.includes(one))]; // prettier-ignore
      } catch (error) {
        signal.throwIfAborted();
        log.warn('An owner could not be repaired', { shard: shardId, nodeId: other, error: errorText(error) }); // prettier-ignore
        failures.push(error);
      }
    }
    const [failure] = failures;
    if (failure !== undefined)
      throw failure instanceof DbError ? failure : new DbError('unavailable', errorText(failure), { cause: failure }); // prettier-ignore
    if (!isLeft && others.length === owners.length - 1) repaired.note(shardId, beganMs);
    return sum;
  }

  /** Sets the shard of this node aside where its bytes are wrong and another owner can be read; false where it was not. */
  async #renewWrong(
    { startNs, endNs, ...shard }: NamedShard & DigestRange,
    others: readonly number[],
    signal: AbortSignal,
  ): Promise<boolean> {
    const { local, log, meta } = this.#ports;
    const { shardId } = shard;
    const digestOf = (nodeId: number): Promise<DigestAnswer> =>
      this.#peer(nodeId).digest({ shardId, startNs, endNs, isAnew: true }, undefined, signal);
    // Which of the two a repair failed at it does not say.
    const [error] = await digestOf(meta.nodeId).then(() => [], (reason: unknown) => [reason]); // prettier-ignore
    if (!isWrongShard(error)) return false;
    log.warn('A damaged shard is to be replaced', { shard: shardId, error: errorText(error) });
    for (const other of others) {
      const answer = await digestOf(other).catch(() => undefined);
      if (answer === undefined || answer.kind === 'missing') continue;
      signal.throwIfAborted();
      const folder = await local.setAside(shardId);
      await local.expectCopy({ ...shard, copyIndex: meta.catalog.index });
      log.warn('A damaged shard was set aside', { shard: shardId, folder });
      return true;
    }
    return false;
  }

  /** Undefined where the other owner is left to bring the shard to itself. */
  async #repairWith(
    nodeId: number,
    shard: NamedShard & DigestRange,
    signal: AbortSignal,
  ): Promise<RepairReport | undefined> {
    const { clock, random, log, meta, local, of, take, turn, bring } = this.#ports;
    let broughtBytes = 0;
    if (await local.lacks(shard.shardId)) {
      broughtBytes = await bring(shard, nodeId, signal);
      log.info('A shard was brought to this node', { shard: shard.shardId, nodeId, bytes: broughtBytes }); // prettier-ignore
    }
    if (broughtBytes === 0 && (await this.#isLeftToBring(nodeId, shard.shardId, signal)))
      return undefined;
    const slices = new Slices({ clock, turn });
    const catalogIndex = meta.catalog.index;
    const report = await repairPair([this.#peer(meta.nodeId), this.#peer(nodeId)], shard, {
      write: async (target, batch) => {
        const [outcome] = await of(target).writeMany([{ ...batch, catalogIndex }], { deadlineMs: writeDeadlineMs, signal }); // prettier-ignore
        return outcome ?? { kind: 'failed', error: new DbError('unavailable', 'no outcome') };
      },
      delete: async (target, { filter, stamp, minTimeNs, maxTimeNs }) => {
        const measurements = measurementsOf(filter);
        const request = { shardIds: [shard.shardId], measurements, minTimeNs, maxTimeNs, stamp, catalogIndex }; // prettier-ignore
        await of(target).deletePoints(request, { deadlineMs: deleteDeadlineMs, signal });
      },
      take: (bytes) => take(bytes, signal),
      pace: () => slices.next(),
      origin: (BigInt(meta.nodeId) << 32n) | BigInt(random.u32()),
      signal,
    });
    return { ...report, movedBytes: report.movedBytes + broughtBytes };
  }

  /**
   * Whether another owner that has nothing of the shard, or nothing that may be read, brings its files itself: point by point it would
   * answer with what has come so far (decision 85). False where it has something, or repairs nothing.
   */
  async #isLeftToBring(nodeId: number, shardId: number, signal: AbortSignal): Promise<boolean> {
    const { local, log, of, rpc } = this.#ports;
    const options = { deadlineMs: describeDeadlineMs, signal };
    try {
      const theirs = await of(nodeId).describe([shardId], options);
      if (theirs.measurements.length > 0) return false;
    } catch (error) {
      if (!isWrongShard(error) && !isDbError(error, 'unavailable')) throw error;
    }
    if ((await local.describe([shardId], options)).measurements.length === 0) return false;
    try {
      await rpc.call(this.#addressOf(nodeId), queueRepairMethod, { shardId }, { deadlineMs: queueDeadlineMs, signal }); // prettier-ignore
    } catch (error) {
      if (!isDbError(error, 'unsupported')) throw error;
      return false;
    }
    log.info('An owner lacks a shard and brings it to itself', { shard: shardId, nodeId });
    return true;
  }

  #addressOf(nodeId: number): string {
    const node = this.#ports.meta.catalog.dataNodes.find(({ id }) => id === nodeId);
    if (node === undefined) throw new DbError('node_not_found', `data node ${nodeId} has left the cluster`); // prettier-ignore
    return node.tcpAddress;
  }

  #peer(nodeId: number): RepairPeer {
    const { meta, local, rpc } = this.#ports;
    if (nodeId === meta.nodeId) return new LocalPeer(nodeId, local.digests);
    const peer = { nodeId, catalogIndex: meta.catalog.index };
    return new RemotePeer(peer, rpc, () => this.#addressOf(nodeId));
  }

  #placeOf(shardId: number): NamedShard & DigestRange & { readonly owners: readonly number[] } {
    const found = this.#ports.meta.catalog.databases.shard(shardId);
    if (found === undefined) throw new DbError('shard_not_found', `shard not found for id: ${shardId}`); // prettier-ignore
    const { database, retentionPolicy, shard, group } = found;
    return { shardId, database, retentionPolicy, ...rangeOfGroup(group), owners: shard.owners };
  }
}

function comparisonOf(mine: DigestAnswer, theirs: DigestAnswer): Comparison {
  if (mine.kind === 'missing') return theirs.kind === 'missing' ? 'equal' : 'own-missing';
  // What has no value is there no more than what is not there.
  if (theirs.kind === 'missing') return mine.kind === 'digest' && isOfNothing(mine.words) ? 'equal' : 'other-missing'; // prettier-ignore
  return theirs.kind === 'equal' ? 'equal' : 'differ';
}

function added(a: RepairReport, b: RepairReport): RepairReport {
  return {
    ownCount: a.ownCount + b.ownCount,
    otherCount: a.otherCount + b.otherCount,
    deleteCount: a.deleteCount + b.deleteCount,
    conflictCount: a.conflictCount + b.conflictCount,
    refusedCount: a.refusedCount + b.refusedCount,
    movedBytes: a.movedBytes + b.movedBytes,
  };
}
