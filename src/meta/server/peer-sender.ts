import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { Message } from '../../raft/types.ts';

const deadlineMs = 2_000;
const snapshotDeadlineMs = 60_000;
const queuedMax = 256;

/** The body of `raft.messages`. */
export interface PeerMessages {
  readonly from: string;
  readonly messages: readonly Message[];
}

/** Sends Raft's messages to one peer, in order, one call under way. What fails is dropped: Raft sends it anew. */
export class PeerSender {
  readonly #rpc: RpcClient;
  readonly #address: string;
  readonly #from: string;
  #queue: Message[] = [];
  #isBusy = false;

  /** `from` is where this node listens: one that has just joined knows no address but the sender's. */
  constructor(rpc: RpcClient, address: string, from: string) {
    this.#rpc = rpc;
    this.#address = address;
    this.#from = from;
  }

  send(message: Message): void {
    if (this.#queue.length >= queuedMax) this.#queue.shift();
    this.#queue.push(message);
    if (!this.#isBusy) void this.#drain();
  }

  async #drain(): Promise<void> {
    this.#isBusy = true;
    while (this.#queue.length > 0) {
      const messages = this.#queue;
      this.#queue = [];
      const hasSnapshot = messages.some(({ kind }) => kind === 'snapshot');
      const options = { deadlineMs: hasSnapshot ? snapshotDeadlineMs : deadlineMs };
      try {
        await this.#rpc.call(
          this.#address,
          'raft.messages',
          { from: this.#from, messages } satisfies PeerMessages,
          options,
        );
      } catch {
        this.#queue = [];
      }
    }
    this.#isBusy = false;
  }
}
