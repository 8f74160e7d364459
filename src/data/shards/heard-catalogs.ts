/**
 * Catalogs that all data nodes have heard of: whoever was told that shards are dropped finds no node that writes to them still
 * (decision 148).
 */
import { errorText } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { MetaAccess } from '../../meta/client/meta-access.ts';
import { count } from '../../proto/field.ts';
import { varve } from '../../proto/gen/wire.js';
import { message } from '../../proto/message.ts';
import { callMethod } from '../../rpc/method.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { serveCall, type ServedMethod } from '../../rpc/rpc-service.ts';

const { v1 } = varve.data;

export const hearCatalogMethod = callMethod('/varve.data.v1.Shards/HearCatalog', {
  request: message(v1.HearCatalogRequest, { index: count() }),
  reply: message(v1.HearCatalogReply, { index: count() }),
});

export interface HeardCatalogsPorts {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly log: Log;
  readonly meta: Pick<MetaAccess, 'catalog' | 'nodeId'> & { reach(index: number, withinMs: number): Promise<void> }; // prettier-ignore
  readonly rpc: Pick<RpcClient, 'call'>;
}

/** A node answers after that, whatever it has: who is silent for longer is down. */
const servedMs = 500;
const callDeadlineMs = 1_000;
/** A node whose meta node has gone silent watches another one by then. */
const patienceMs = 8_000;

export class HeardCatalogs {
  readonly #ports: HeardCatalogsPorts;

  constructor(ports: HeardCatalogsPorts) {
    this.#ports = ports;
  }

  get method(): ServedMethod {
    const { meta } = this.#ports;
    return serveCall(hearCatalogMethod, async ({ index }) => {
      await meta.reach(index, servedMs).catch(() => undefined);
      return { index: meta.catalog.index };
    });
  }

  /** Resolves once all data nodes that answer have the catalog that this one has now. Never rejects. */
  async hear(): Promise<void> {
    const { catalog, nodeId } = this.#ports.meta;
    const others = catalog.dataNodes.filter(({ id }) => id !== nodeId);
    await Promise.all(others.map(({ tcpAddress }) => this.#hearAt(tcpAddress, catalog.index)));
  }

  async #hearAt(address: string, index: number): Promise<void> {
    const { log } = this.#ports;
    try {
      if (await hearAt(this.#ports, address, index)) return;
      log.warn('A data node has not heard which shards were dropped', { address });
    } catch (error) {
      // It is down, parted from this one, or of a release that does not know the question.
      log.debug('A data node does not say which catalog it has', { address, error: errorText(error) }); // prettier-ignore
    }
  }
}

/** Whether a data node that answers has a catalog, for which it is waited. Throws what the call does. */
export async function hearAt(
  { clock, rpc }: Pick<HeardCatalogsPorts, 'clock' | 'rpc'>,
  address: string,
  index: number,
): Promise<boolean> {
  const giveUpMs = clock.monotonicMs() + patienceMs;
  while (clock.monotonicMs() < giveUpMs) {
    const reply = await rpc.call(address, hearCatalogMethod, { index }, { deadlineMs: callDeadlineMs }); // prettier-ignore
    if (reply.index >= index) return true;
  }
  return false;
}
