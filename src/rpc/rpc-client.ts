import { SharedBuffers } from '../base/shared-buffers.ts';
import { MiB } from '../base/units.ts';
import type { RpcMetadata, RpcOptions, RpcTransport } from '../env/transport.ts';
import type { Statistic } from '../telemetry/statistics.ts';
import { CallCounters } from './call-counters.ts';
import type { CallMethod, RpcAccess, StreamMethod } from './method.ts';

/** Shows who calls (rpc/membership.ts). */
export interface Sender {
  credentials(access: RpcAccess): RpcMetadata;
}

/** Of requests that have been sent, for those that come: a few of the largest calls to a node (data/write/node-outbox.ts). */
const requestBytesKeptMax = 32 * MiB;

/** Calls other nodes. Failures are those of RpcTransport, and `corrupt` for a reply that is none. */
export class RpcClient {
  readonly #transport: Pick<RpcTransport, 'call' | 'stream'>;
  readonly #sender: Sender;
  readonly #counters = new CallCounters();
  readonly #buffers = new SharedBuffers(requestBytesKeptMax);

  constructor(transport: Pick<RpcTransport, 'call' | 'stream'>, sender: Sender) {
    this.#transport = transport;
    this.#sender = sender;
  }

  statistics(): readonly Statistic[] {
    return this.#counters.statistics();
  }

  async call<Request, Reply>(
    address: string,
    method: CallMethod<Request, Reply>,
    body: Request,
    options: RpcOptions,
  ): Promise<Reply> {
    const lend = method.isLent
      ? (lengthBytes: number) => this.#buffers.lend(lengthBytes)
      : undefined;
    const request = method.request.encode(body, lend);
    const onSent = (): void => {
      this.#buffers.giveBack(request);
    };
    const metadata = this.#sender.credentials(method.access);
    const all = { ...options, metadata, ...(lend !== undefined && { onSent }) };
    const end = this.#counters.begin(request.length);
    let isGood = false;
    try {
      const reply = await this.#transport.call(address, method.path, request, all);
      this.#counters.addRead(reply.length);
      isGood = true;
      return method.reply.decode(reply);
    } finally {
      end(isGood);
    }
  }

  async *stream<Request, Reply>(
    address: string,
    method: StreamMethod<Request, Reply>,
    body: Request,
    options: RpcOptions,
  ): AsyncGenerator<Reply, undefined> {
    const request = method.request.encode(body);
    const all = { ...options, metadata: this.#sender.credentials(method.access) };
    const end = this.#counters.begin(request.length);
    // A reader that leaves is no failure.
    let isGood = true;
    try {
      for await (const reply of this.#transport.stream(address, method.path, request, all)) {
        this.#counters.addRead(reply.length);
        yield method.reply.decode(reply);
      }
    } catch (error) {
      isGood = false;
      throw error;
    } finally {
      end(isGood);
    }
    return undefined;
  }
}
