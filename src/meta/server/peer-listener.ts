/**
 * Keeps a stream of messages open from each peer that this node hears of all the time: from the leader when it follows,
 * from every other member when it leads.
 *
 * Invariant: one stream to a peer at most; one that ends is opened again while it is wanted, after a wait.
 */
import { Tasks } from '../../base/async/tasks.ts';
import { errorText } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { PeerMessages } from './peer-sender.ts';
import { listenMethod } from './raft-methods.ts';

export interface PeerListenerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly rpc: RpcClient;
  readonly onMessages: (messages: PeerMessages) => void;
}

export interface PeerListenerOptions {
  /** Where this node listens: what it says who it is. */
  readonly ownAddress: string;
  /** A stream that is silent for longer is opened anew. */
  readonly silenceMs: number;
}

const retryMs = 1_000;

export class PeerListener {
  readonly #ports: PeerListenerPorts;
  readonly #options: PeerListenerOptions;
  readonly #streams = new Map<string, AbortController>();
  readonly #tasks: Tasks;

  constructor(ports: PeerListenerPorts, options: PeerListenerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#tasks = new Tasks((name, error) => {
      ports.log.error('A task of Raft failed', { name, error: errorText(error) });
    });
  }

  /** Opens what is missing, ends what is not wanted any more. */
  want(addresses: readonly string[]): void {
    for (const [address, controller] of this.#streams)
      if (!addresses.includes(address)) {
        this.#streams.delete(address);
        controller.abort();
      }
    for (const address of addresses) {
      if (this.#streams.has(address) || address === this.#options.ownAddress) continue;
      const controller = new AbortController();
      this.#streams.set(address, controller);
      this.#tasks.spawn('hear a peer', this.#hear(address, controller.signal));
    }
  }

  async close(): Promise<void> {
    this.want([]);
    await this.#tasks.settled();
  }

  async #hear(address: string, signal: AbortSignal): Promise<void> {
    const { clock, rpc, onMessages } = this.#ports;
    const { ownAddress, silenceMs } = this.#options;
    while (!signal.aborted) {
      try {
        const options = { deadlineMs: silenceMs, signal };
        const stream = rpc.stream(address, listenMethod, { from: ownAddress }, options);
        for await (const messages of stream) onMessages(messages);
      } catch {
        // It is down, cut off or of an older release: what it has to say comes by calls.
      }
      await clock.sleep(retryMs, signal).catch(() => undefined);
    }
  }
}
