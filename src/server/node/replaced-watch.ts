/**
 * Whether another process is this data node by now: `update-data` gives a new one the id and the shards of one that is to be replaced, or that is lost and may
 * come back. What it took as an owner nobody would look for at it, so it stops. What it has stored stays.
 *
 * Invariant: an address that the catalog has otherwise is no proof, as a node that was renamed has none other until it is told so: only
 * another process that answers there as this node is.
 */
import { DbError, isDbError } from '../../base/errors.ts';
import { isSameAddress } from '../../meta/apply/apply-nodes.ts';
import { dataStatusMethod } from '../../meta/client/data-methods.ts';
import type { Clock } from '../../env/clock.ts';
import type { MetaClient } from '../../meta/client/meta-client.ts';
import type { DataNode } from '../../meta/model/catalog.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';

const askDeadlineMs = 2_000;
/** The new process is told what it is once the catalog has its address: looked at so often, for so long. */
const followEveryMs = 100;
const followMs = 5_000;

export interface ReplacedWatchPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep'>;
  readonly meta: Pick<MetaClient, 'isJoined' | 'nodeId' | 'clusterId' | 'catalog'>;
  readonly rpc: Pick<RpcClient, 'call'>;
  /** The node cannot go on. */
  readonly onFatal: (error: unknown) => void;
}

export class ReplacedWatch {
  readonly #ports: ReplacedWatchPorts;
  readonly #own: { readonly tcpAddress: string; readonly httpAddress: string };
  readonly #closing = new AbortController();
  #isLooking = false;

  /** `own`: what this process tells others of itself. */
  constructor(
    ports: ReplacedWatchPorts,
    own: { readonly tcpAddress: string; readonly httpAddress: string },
  ) {
    this.#ports = ports;
    this.#own = own;
  }

  close(): void {
    this.#closing.abort();
  }

  /** As the catalog has changed: what comes to this process until it stops is nowhere else. */
  async follow(): Promise<void> {
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + followMs;
    while (this.#elsewhere !== undefined && clock.monotonicMs() < untilMs) {
      await this.look();
      if (this.#closing.signal.aborted) return;
      await clock.sleep(followEveryMs, this.#closing.signal).catch(() => undefined);
    }
  }

  /** This node, as the catalog has it, if that may be another process. */
  get #elsewhere(): DataNode | undefined {
    const { meta } = this.#ports;
    if (!meta.isJoined) return undefined;
    const { nodeId } = meta;
    const listed = meta.catalog.dataNodes.find(({ id }) => id === nodeId);
    return listed === undefined || this.#isOwn(listed) ? undefined : listed;
  }

  async look(): Promise<void> {
    const listed = this.#elsewhere;
    if (this.#isLooking || listed === undefined) return;
    this.#isLooking = true;
    try {
      await this.#ask(listed.tcpAddress);
    } finally {
      this.#isLooking = false;
    }
  }

  async #ask(address: string): Promise<void> {
    const { meta, rpc, onFatal } = this.#ports;
    const { nodeId, clusterId } = meta;
    const options = { deadlineMs: askDeadlineMs };
    const asked = rpc.call(address, dataStatusMethod, { clusterId }, options);
    const status = await asked.catch((error: unknown) => {
      if (!isDbError(error)) throw error;
    });
    if (this.#closing.signal.aborted) return;
    if (status?.cluster !== 'same' || status.nodeId !== nodeId || nodeId !== meta.nodeId) return;
    if (isSameAddress(status.httpAddress, this.#own.httpAddress)) return;
    this.close();
    onFatal(new DbError('conflict', `data node ${nodeId} is ${address} by now: this process was replaced, and stops`)); // prettier-ignore
  }

  #isOwn({
    tcpAddress,
    httpAddress,
  }: {
    readonly tcpAddress: string;
    readonly httpAddress: string;
  }): boolean {
    // prettier-ignore
    return isSameAddress(tcpAddress, this.#own.tcpAddress) || isSameAddress(httpAddress, this.#own.httpAddress);
  }
}
