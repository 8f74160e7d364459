import { DbError } from '../../base/errors.ts';
import type { ClusterShards } from '../shards/cluster-shards.ts';
import type { ShardBatch } from '../engine/shard-access.ts';
import type { HandOver } from './hand-over.ts';
import type { HintSink } from './hint-sink.ts';
import { LocalOutbox } from './local-outbox.ts';
import { NodeOutbox } from './node-outbox.ts';
import { SettledCalls, type BatchCopies } from './settled-calls.ts';
import type { Share } from './share.ts';
import type { StrayCopies } from './stray-copies.ts';

export interface OwnerSharesPorts {
  readonly localNodeId: () => number;
  /** 0 while this node is in no cluster. */
  readonly clusterId: () => bigint;
  readonly shards: Pick<ClusterShards, 'of'>;
  readonly hintsOf: (nodeId: number) => HintSink;
  /** What becomes of a copy of a shard that its owner does not have; undefined where it has nothing to say. */
  readonly strays?: Pick<StrayCopies, 'settle'> | undefined;
  /** What becomes of a copy that this node could not keep. */
  readonly handOver: Pick<HandOver, 'settle'>;
  /** A node has answered. */
  readonly onReached: (nodeId: number) => void;
  /** A copy is lost for good: told once for each, however the client's answer went. */
  readonly onLost: (nodeId: number, shardId: number, error: unknown) => void;
}

export interface OwnerSharesOptions {
  /** Of a call to another node: what has taken longer may have been written or not. */
  readonly callDeadlineMs: number;
  /** Drawn by this process. */
  readonly run: number;
}

interface Outbox {
  send(batch: ShardBatch, copies?: BatchCopies): Share;
}

/** Brings copies of batches to their owners, this node's own included. */
export class OwnerShares {
  readonly #ports: OwnerSharesPorts;
  readonly #options: OwnerSharesOptions;
  /** By id; a cluster gives none twice, so that there are as few as nodes ever were while this process runs. */
  readonly #outboxes = new Map<number, Outbox>();
  /** Of which they are. */
  #clusterId = 0n;
  /** By id; they count on in another cluster, as the run is the same. */
  readonly #settled = new Map<number, SettledCalls>();
  /** What has not become of each copy yet; as many as outboxes accept, and as writers wait for room. */
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(ports: OwnerSharesPorts, options: OwnerSharesOptions) {
    this.#ports = ports;
    this.#options = options;
  }

  /** What a node that has batches of this one is told when it asks: other runs' copies are under way no more. */
  settledFor(nodeId: number): { readonly run: number; readonly settledBelow: number } {
    const { run } = this.#options;
    return { run, settledBelow: this.#settled.get(nodeId)?.settledBelow ?? 1 };
  }

  /** `copies`: of the batch, where several nodes get it. */
  send(nodeId: number, batch: ShardBatch, copies?: BatchCopies): Share {
    const { accepted, outcome } = this.#outbox(nodeId).send(batch, copies);
    const { strays, handOver } = this.#ports;
    const settling = outcome
      .then((own) => strays?.settle(nodeId, batch, own) ?? own)
      .then((own) => handOver.settle(nodeId, batch, own));
    const reported = settling.then((settled) => {
      if (settled.kind === 'lost') this.#ports.onLost(nodeId, batch.shardId, settled.error);
      copies?.settled();
      return settled;
    });
    this.#underWay.add(reported);
    void reported.finally(() => this.#underWay.delete(reported));
    return { accepted, outcome: reported };
  }

  /**
   * Resolves once all copies that were sent until now are at their owners, queued or lost, which takes a call and its deadline
   * at most: clients were answered, and a node that ended before would take with it what nobody else knows of.
   */
  async drained(): Promise<void> {
    await Promise.allSettled([...this.#underWay]);
  }

  #outbox(nodeId: number): Outbox {
    this.#forgetOtherCluster();
    const known = this.#outboxes.get(nodeId);
    if (known !== undefined) return known;
    const made = nodeId === this.#ports.localNodeId() ? this.#local() : this.#remote(nodeId);
    this.#outboxes.set(nodeId, made);
    return made;
  }

  /** In one that this node has joined since, ids are of other nodes, its own too. */
  #forgetOtherCluster(): void {
    const clusterId = this.#ports.clusterId();
    if (clusterId === 0n || clusterId === this.#clusterId) return;
    this.#outboxes.clear();
    this.#clusterId = clusterId;
  }

  #local(): Outbox {
    const nodeId = this.#ports.localNodeId();
    const { shards, hintsOf } = this.#ports;
    // No deadline: the engine of this node works off what it has.
    const options = { deadlineMs: 0 };
    return new LocalOutbox({
      hints: hintsOf(nodeId),
      write: async (batch) => {
        const [outcome] = await shards.of(nodeId).writeMany([batch], options);
        return outcome ?? { kind: 'failed', error: new DbError('internal', 'no outcome') };
      },
    });
  }

  #remote(nodeId: number): Outbox {
    const { shards, hintsOf, onReached, localNodeId } = this.#ports;
    const { callDeadlineMs: deadlineMs, run } = this.#options;
    const settled = this.#settled.get(nodeId) ?? new SettledCalls({ nodeId: localNodeId, run });
    this.#settled.set(nodeId, settled);
    return new NodeOutbox({
      ...{ hints: hintsOf(nodeId), settled },
      // The node may have left the cluster: of() throws then, and that is an outcome like others.
      deliver: async (batches, call) => {
        const outcomes = await shards.of(nodeId).writeMany(batches, { deadlineMs, call });
        onReached(nodeId);
        return outcomes;
      },
    });
  }
}
