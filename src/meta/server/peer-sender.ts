import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { Message } from '../../raft/types.ts';

const deadlineMs = 2_000;
const snapshotDeadlineMs = 60_000;
const queuedMax = 256;

/** The body of `raft.messages`. */
export interface PeerMessages {
  readonly from: string;
  readonly messages: readonly Message[];
  /** Version of the sender's CommandSet; 1 when absent. */
  readonly commandVersion?: number;
}

/** What a node says of itself with all that it sends. */
export type Sender = Pick<PeerMessages, 'from' | 'commandVersion'>;

/** Sends Raft's messages to one peer, in order, one call under way. What fails is dropped: Raft sends it anew. */
export class PeerSender {
  readonly #rpc: RpcClient;
  readonly #address: string;
  readonly #sender: Sender;
  #queue: Message[] = [];
  #isBusy = false;

  /** The sender says where it listens: a node that has just joined knows no other address. */
  constructor(rpc: RpcClient, address: string, sender: Sender) {
    this.#rpc = rpc;
    this.#address = address;
    this.#sender = sender;
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
          { ...this.#sender, messages } satisfies PeerMessages,
          options,
        );
      } catch {
        this.#queue = [];
      }
    }
    this.#isBusy = false;
  }
}
