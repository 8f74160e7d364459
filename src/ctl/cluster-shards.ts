/** The shards of a cluster, to back them up and to bring them back (data.proto, service Transfers). */
import { crc32 } from 'node:zlib';
import { DbError, isDbError } from '../base/errors.ts';
import type { Facts, RestoreTarget, ShardInstall } from '../backup/restore-target.ts';
import type { Survey } from '../backup/shard-plan.ts';
import type { BackupSource, ShardSnapshot } from '../backup/take-backup.ts';
import { hearAt } from '../data/shards/heard-catalogs.ts';
import { HeldCopies } from './held-copies.ts';
import { commandBytesMax } from '../meta/client/meta-methods.ts';
import { statesMethod } from '../meta/client/data-methods.ts';
import { installMethod, pieceBytesMax, readFileMethod, releaseMethod, snapshotMethod, stageMethod, unstageMethod, writeFileMethod } from '../meta/client/transfer-methods.ts'; // prettier-ignore
import type { Catalog } from '../meta/model/catalog.ts';
import { newIds, shardIdsOf } from '../meta/apply/apply-restore.ts';
import type { ShardPlace } from '../meta/model/databases.ts';
import { encodeMessage } from '../rpc/message.ts';
import { restoreParts } from './restore-parts.ts';
import { withoutSecret, type ClusterAccess } from './cluster-rpc.ts';
import type { MetaCaller } from './meta-http.ts';

/** The longest silence. What is said of shards waits for copies that are under way, a `write-timeout` or two. A snapshot waits for what is in memory to be written; an install for all of it to be on the disk. */
const surveyDeadlineMs = 60_000;
const quickDeadlineMs = 60_000;
const workDeadlineMs = 3_600_000;
/** How long a node may take to hear of a shard that its cluster has just made. */
const hearWithinMs = 30_000;
const hearPollMs = 50;
const hearPollMsMax = 1_000;
/** With room for what else is in a command. */
const partBytesMaxDefault = commandBytesMax - (1 << 20);
/** How long the metas may be without a leader, or the one that is asked not there. */
const leaderWithinMs = 60_000;
const leaderPollMs = 250;
/** Of a file that breaks off and is read on from where it was; each that brings something begins anew. */
const breaksMax = 5;
/** A piece whose checksum is wrong on the other side is sent again, and not for ever. */
const refusalsMax = 5;

export class ClusterShards implements BackupSource, RestoreTarget {
  readonly #cluster: ClusterAccess;
  readonly #meta: MetaCaller;
  readonly #partBytesMax: number;

  /** `partBytesMax`: of facts, in one command of the metas. */
  constructor(cluster: ClusterAccess, meta: MetaCaller, partBytesMax = partBytesMaxDefault) {
    this.#partBytesMax = partBytesMax;
    this.#cluster = cluster;
    this.#meta = meta;
  }

  catalog(): Promise<Catalog> {
    return this.#cluster.catalog();
  }

  async survey({ dataNodes }: Catalog): Promise<Survey> {
    const held = new HeldCopies(dataNodes);
    const asked = dataNodes.map(async ({ tcpAddress: node }) => {
      try {
        const parts = this.#cluster.rpc.stream(node, statesMethod, { tellsBehind: true }, { deadlineMs: surveyDeadlineMs }); // prettier-ignore
        for await (const { states, behind } of parts) held.add(node, states, behind);
      } catch (error) {
        if (isDbError(error, 'unauthenticated')) throw withoutSecret(error);
        if (!isDbError(error)) throw error;
        // It is asked for its shards all the same, and says then what is wrong.
      }
    });
    await Promise.all(asked);
    return held.survey();
  }

  async snapshot(
    node: string,
    shardId: number,
    { asIs }: { readonly asIs: boolean },
  ): Promise<ShardSnapshot | undefined> {
    const { rpc } = this.#cluster;
    const deadlines = { deadlineMs: workDeadlineMs };
    const request = { shardId, catalogIndex: 0 };
    const { snapshotId, files, modifiedNs } = await rpc.call(node, snapshotMethod, request, deadlines); // prettier-ignore
    if (snapshotId === 0) return undefined;
    return {
      files,
      modifiedNs,
      read: (name) => this.#read(node, { snapshotId, name, asIs }),
      release: async () => {
        await rpc.call(node, releaseMethod, { snapshotId }, { deadlineMs: quickDeadlineMs });
      },
    };
  }

  /** From its begin to its end, over breaks of the connection. */
  async *#read(
    node: string,
    file: { readonly snapshotId: number; readonly name: string; readonly asIs: boolean },
  ): AsyncGenerator<Uint8Array> {
    let [offsetBytes, breakCount] = [0, 0];
    for (;;) {
      try {
        const request = { ...file, offsetBytes };
        const pieces = this.#cluster.rpc.stream(node, readFileMethod, request, { deadlineMs: quickDeadlineMs }); // prettier-ignore
        for await (const { piece, crc32: sum } of pieces) {
          if (crc32(piece) !== sum)
            throw new DbError('outcome_unknown', `${node}: ${file.name} was changed on the way`);
          offsetBytes += piece.length;
          breakCount = 0;
          yield piece;
        }
        return;
      } catch (error) {
        if (!isBreak(error) || ++breakCount > breaksMax) throw error;
      }
    }
  }

  async restore(content: Facts): Promise<ReadonlyMap<number, number>> {
    const parts = restoreParts(content, this.#partBytesMax);
    // One command looks by itself; of several the first must not be done where a later one is refused.
    if (parts.length > 1) {
      const { databases } = await this.catalog();
      if (content.databases.some(({ name }) => databases.get(name) !== undefined))
        throw new DbError('already_exists', 'operation exited with error: problem setting snapshot: database already exists'); // prettier-ignore
    }
    const ids = new Map<number, number>();
    for (const part of parts) {
      const { firstShardId } = await this.#change('/restore-meta', part);
      for (const [from, to] of newIds(shardIdsOf(part.databases), firstShardId - 1)) ids.set(from, to); // prettier-ignore
    }
    return ids;
  }

  async finish(shardId: number): Promise<void> {
    // Asked for twice it is done once: a change of the leader must not cost a whole restore.
    const giveUpMs = this.#cluster.clock.monotonicMs() + leaderWithinMs;
    for (;;) {
      try {
        await this.#meta.post('/finish-restore', { shards: `${shardId}` });
        return;
      } catch (error) {
        if (!isDbError(error, 'unavailable') || this.#cluster.clock.monotonicMs() > giveUpMs) throw error; // prettier-ignore
        await this.#cluster.clock.sleep(leaderPollMs);
      }
    }
  }

  async overwrite(content: Facts & { readonly clusterId: bigint }): Promise<readonly string[]> {
    await this.#change('/overwrite-meta', content);
    const { index, dataNodes } = await this.catalog();
    const heard = dataNodes.map(({ tcpAddress }) =>
      hearAt(this.#cluster, tcpAddress, index).catch((error: unknown) => {
        if (!isDbError(error)) throw error;
        return false;
      }),
    );
    const hasHeard = await Promise.all(heard);
    return dataNodes.flatMap(({ tcpAddress }, i) => (hasHeard[i] === true ? [] : [tcpAddress]));
  }

  async #change(path: string, content: object): Promise<{ readonly firstShardId: number }> {
    const text = Buffer.from(encodeMessage(content)).toString('base64url');
    return (await this.#meta.post(path, { content: text })) as { readonly firstShardId: number };
  }

  async install(node: string, { shard }: ShardPlace): Promise<ShardInstall> {
    const stagingId = await this.#stage(node, shard.id);
    // Names the copy: brought again, by another run of the same restore, it is taken once.
    const copyIndex = shard.restoreIndex ?? Number(this.#cluster.clock.wallNs() / 1_000n);
    return new NodeInstall(this.#cluster, node, { stagingId, copyIndex });
  }

  async #stage(node: string, shardId: number): Promise<number> {
    const { rpc, clock } = this.#cluster;
    const giveUpMs = clock.monotonicMs() + hearWithinMs;
    for (let pauseMs = hearPollMs; ; pauseMs = Math.min(pauseMs * 2, hearPollMsMax)) {
      try {
        const { stagingId } = await rpc.call(node, stageMethod, { shardId }, { deadlineMs: quickDeadlineMs }); // prettier-ignore
        return stagingId;
      } catch (error) {
        if (!isDbError(error, 'shard_not_found') || clock.monotonicMs() > giveUpMs) throw error;
        // Of one that was dropped it will never hear.
        if ((await this.catalog()).databases.shard(shardId) === undefined) throw error;
        await clock.sleep(pauseMs);
      }
    }
  }
}

function isBreak(error: unknown): boolean {
  return isDbError(error, 'unavailable') || isDbError(error, 'outcome_unknown') || isDbError(error, 'timeout'); // prettier-ignore
}

/** Files of a shard on their way to one node. */
class NodeInstall implements ShardInstall {
  readonly #cluster: ClusterAccess;
  readonly #node: string;
  readonly #staging: { readonly stagingId: number; readonly copyIndex: number };
  #name = '';
  #offsetBytes = 0;

  constructor(
    cluster: ClusterAccess,
    node: string,
    staging: { readonly stagingId: number; readonly copyIndex: number },
  ) {
    this.#cluster = cluster;
    this.#node = node;
    this.#staging = staging;
  }

  begin({ name }: { readonly name: string }): Promise<void> {
    [this.#name, this.#offsetBytes] = [name, 0];
    return Promise.resolve();
  }

  async write(bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; at += pieceBytesMax)
      await this.#send(bytes.subarray(at, at + pieceBytesMax));
  }

  async #send(piece: Uint8Array): Promise<void> {
    const { stagingId } = this.#staging;
    const sent = { stagingId, name: this.#name, offsetBytes: this.#offsetBytes };
    const endBytes = this.#offsetBytes + piece.length;
    for (let refusals = 0; refusals < refusalsMax; refusals++) {
      const sizeBytes = await this.#sendOnce({ ...sent, piece, crc32: crc32(piece) });
      // Also when it was there already, as the answer to the first one was lost.
      if (sizeBytes === endBytes) {
        this.#offsetBytes = endBytes;
        return;
      }
    }
    throw new DbError('unavailable', `${this.#node} does not take ${this.#name}`);
  }

  /** Undefined where nobody knows whether it was taken: it is sent again, and taken once. */
  async #sendOnce(
    piece: Parameters<typeof writeFileMethod.request.encode>[0],
  ): Promise<number | undefined> {
    // prettier-ignore
    try {
      const options = { deadlineMs: quickDeadlineMs };
      return (await this.#cluster.rpc.call(this.#node, writeFileMethod, piece, options)).sizeBytes;
    } catch (error) {
      if (!isBreak(error)) throw error;
      return undefined;
    }
  }

  async commit(): Promise<void> {
    await this.#cluster.rpc.call(this.#node, installMethod, this.#staging, {
      deadlineMs: workDeadlineMs,
    });
  }

  async abort(): Promise<void> {
    const request = { stagingId: this.#staging.stagingId };
    await this.#cluster.rpc.call(this.#node, unstageMethod, request, { deadlineMs: quickDeadlineMs }); // prettier-ignore
  }
}
