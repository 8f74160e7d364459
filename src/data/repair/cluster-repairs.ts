/** What is known of shards whose owners differ, and their repairs, over all data nodes (spec F79, F80). */
import { DbError, isDbError } from '../../base/errors.ts';
import { cancelRepairMethod, queueRepairMethod, repairsMethod, type ShardRepair } from '../../meta/client/digest-methods.ts'; // prettier-ignore
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { serveCall, type ServedMethod } from '../../rpc/served-method.ts';
import type { AntiEntropy } from '../../services/anti-entropy.ts';
import { isAway, isNodeFailure } from '../shards/choose-owners.ts';

export interface ClusterRepairsPorts {
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'>;
  readonly rpc: Pick<RpcClient, 'call'>;
  /** Undefined while it is `[anti-entropy] enabled = false`. */
  readonly service: () => RepairService | undefined;
}

type RepairService = Pick<AntiEntropy, 'repairs' | 'queueRepair' | 'cancelRepair'>;

const askDeadlineMs = 5_000;
/** Whoever looks at repairs, or asks for one, does not wait for a node that stands still (decision 90). */
const silentMs = 800;

export class ClusterRepairs {
  readonly #ports: ClusterRepairsPorts;

  constructor(ports: ClusterRepairsPorts) {
    this.#ports = ports;
  }

  get isEnabled(): boolean {
    return this.#ports.service() !== undefined;
  }

  /** What this node answers to the others. */
  get methods(): readonly ServedMethod[] {
    return [
      serveCall(repairsMethod, () => Promise.resolve({ repairs: this.#ports.service()?.repairs ?? [] })), // prettier-ignore
      serveCall(queueRepairMethod, ({ shardId }) => {
        this.#service().queueRepair(shardId);
        return Promise.resolve({});
      }),
      serveCall(cancelRepairMethod, ({ shardId }) => {
        this.#service().cancelRepair(shardId);
        return Promise.resolve({});
      }),
    ];
  }

  /** Of each shard what the nodes say together. A node that does not answer is left out. */
  async list({ isLocal }: { readonly isLocal: boolean }): Promise<readonly ShardRepair[]> {
    const { meta } = this.#ports;
    const nodes = meta.catalog.dataNodes.filter(({ id }) => !isLocal || id === meta.nodeId);
    const said = await Promise.all(nodes.map(({ id, tcpAddress }) => this.#repairsOf(id, tcpAddress))); // prettier-ignore
    const merged = new Map<number, ShardRepair>();
    for (const one of said.flat()) {
      const known = merged.get(one.shardId) ?? one;
      merged.set(one.shardId, {
        shardId: one.shardId,
        status: known.status === '' ? one.status : known.status,
        isQueued: known.isQueued || one.isQueued,
        isProcessing: known.isProcessing || one.isProcessing,
      });
    }
    return [...merged.values()].sort((a, b) => a.shardId - b.shardId);
  }

  /** On the first of its owners that answers; those that answer soon are preferred. Throws `shard_not_found` and what that owner says. */
  async queue(shardId: number): Promise<void> {
    const { meta, rpc } = this.#ports;
    let failure: unknown;
    // One that is only slow may queue it beside another: it is asked for twice then, and the second finds nothing to do.
    for (const deadlineMs of [silentMs, askDeadlineMs]) {
      for (const { id, tcpAddress } of this.#ownersOf(shardId)) {
        try {
          if (id === meta.nodeId) this.#service().queueRepair(shardId);
          else await rpc.call(tcpAddress, queueRepairMethod, { shardId }, { deadlineMs });
          return;
        } catch (error) {
          if (!isNodeFailure(error)) throw error;
          failure = error;
        }
      }
    }
    throw failure;
  }

  /** On all of its owners, or here. One that is down has forgotten its queue; throws what an owner says, or why none could be asked. */
  async cancel(shardId: number, { isLocal }: { readonly isLocal: boolean }): Promise<void> {
    const { nodeId } = this.#ports.meta;
    const owners = this.#ownersOf(shardId).filter(({ id }) => !isLocal || id === nodeId);
    const asked = await Promise.allSettled(owners.map((owner) => this.#cancelAt(owner, shardId)));
    const failures = asked.filter((one) => one.status === 'rejected').map((one) => one.reason as Error); // prettier-ignore
    const isNobody = owners.length > 0 && failures.length === owners.length;
    const worst = failures.find((one) => !isAway(one)) ?? (isNobody ? failures[0] : undefined);
    if (worst !== undefined) throw worst;
  }

  async #cancelAt(owner: { readonly id: number; readonly tcpAddress: string }, shardId: number) {
    const { meta, rpc } = this.#ports;
    if (owner.id === meta.nodeId) this.#service().cancelRepair(shardId);
    else await rpc.call(owner.tcpAddress, cancelRepairMethod, { shardId }, { deadlineMs: askDeadlineMs }); // prettier-ignore
  }

  #service(): RepairService {
    const service = this.#ports.service();
    if (service === undefined) throw new DbError('unsupported', 'anti-entropy service is not enabled'); // prettier-ignore
    return service;
  }

  async #repairsOf(nodeId: number, address: string): Promise<readonly ShardRepair[]> {
    const { meta, rpc, service } = this.#ports;
    if (nodeId === meta.nodeId) return service()?.repairs ?? [];
    try {
      return (await rpc.call(address, repairsMethod, {}, { deadlineMs: silentMs })).repairs;
    } catch (error) {
      if (!isDbError(error)) throw error;
      return [];
    }
  }

  #ownersOf(shardId: number): readonly { readonly id: number; readonly tcpAddress: string }[] {
    const { dataNodes, databases } = this.#ports.meta.catalog;
    const owners = databases.shard(shardId)?.shard.owners;
    if (owners === undefined) throw new DbError('shard_not_found', `shard not found for id: ${shardId}`); // prettier-ignore
    return owners.flatMap((owner) => dataNodes.find(({ id }) => id === owner) ?? []);
  }
}
