/**
 * Sends Raft's messages to one peer: over the stream that the peer has opened, as the leader and its followers do with
 * each other, or by calls, one under way at a time. A message on a stream costs a tenth of a call, and a cluster at rest
 * does nothing else.
 *
 * Invariants:
 * - In order, on each of the two ways; what fails is dropped: Raft sends it anew.
 * - A snapshot goes by a call of its own, so that no heartbeat waits behind it.
 * - Of several streams of a peer the newest is used: a peer that opens another has lost the one before.
 */
import { Latch } from '../../base/async/latch.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import type { Message } from '../../raft/types.ts';
import { deliverMethod } from './raft-methods.ts';

const deadlineMs = 2_000;
const snapshotDeadlineMs = 60_000;
const queuedMax = 256;

/** What a peer is told at once. */
export interface PeerMessages {
  readonly from: string;
  readonly messages: readonly Message[];
  /** Version of the sender's CommandSet. */
  readonly commandVersion: number;
}

/** What a node says of itself with all that it sends. */
export type Sender = Pick<PeerMessages, 'from' | 'commandVersion'>;

interface Listener {
  news: Latch<undefined>;
}

export class PeerSender {
  readonly #rpc: RpcClient;
  readonly #address: string;
  readonly #sender: Sender;
  #queue: Message[] = [];
  #listener: Listener | undefined;
  #isBusy = false;
  #isSendingSnapshot = false;

  /** The sender says where it listens: a node that has just joined knows no other address. */
  constructor(rpc: RpcClient, address: string, sender: Sender) {
    this.#rpc = rpc;
    this.#address = address;
    this.#sender = sender;
  }

  send(message: Message): void {
    if (message.kind === 'snapshot') {
      if (!this.#isSendingSnapshot) void this.#sendSnapshot(message);
      return;
    }
    if (this.#queue.length >= queuedMax) this.#queue.shift();
    this.#queue.push(message);
    if (this.#listener !== undefined) this.#listener.news.open(undefined);
    else if (!this.#isBusy) void this.#drain();
  }

  /** What the peer reads, until it goes or opens another stream. */
  async *listen(signal: AbortSignal): AsyncGenerator<PeerMessages, undefined> {
    const self: Listener = { news: new Latch() };
    const wake = (): void => {
      self.news.open(undefined);
    };
    this.#listener?.news.open(undefined);
    this.#listener = self;
    signal.addEventListener('abort', wake);
    try {
      while (!signal.aborted && this.#listener === self) {
        if (this.#queue.length === 0) {
          await self.news.promise;
          self.news = new Latch();
        } else yield { ...this.#sender, messages: this.#taken() };
      }
    } finally {
      signal.removeEventListener('abort', wake);
      if (this.#listener === self) this.#listener = undefined;
    }
    return undefined;
  }

  async #drain(): Promise<void> {
    this.#isBusy = true;
    while (this.#queue.length > 0 && this.#listener === undefined) {
      try {
        await this.#call(this.#taken(), deadlineMs);
      } catch {
        this.#queue = [];
      }
    }
    this.#isBusy = false;
  }

  async #sendSnapshot(message: Message): Promise<void> {
    this.#isSendingSnapshot = true;
    try {
      await this.#call([message], snapshotDeadlineMs);
    } catch {
      // Raft tries again when it hears nothing of it.
    } finally {
      this.#isSendingSnapshot = false;
    }
  }

  async #call(messages: readonly Message[], limitMs: number): Promise<void> {
    const body = { ...this.#sender, messages } satisfies PeerMessages;
    await this.#rpc.call(this.#address, deliverMethod, body, { deadlineMs: limitMs });
  }

  #taken(): readonly Message[] {
    const messages = this.#queue;
    this.#queue = [];
    return messages;
  }
}
