import type { RpcMetadata, RpcOptions, RpcTransport } from '../env/transport.ts';
import type { CallMethod, RpcAccess, StreamMethod } from './method.ts';

/** Shows who calls (rpc/membership.ts). */
export interface Sender {
  credentials(access: RpcAccess): RpcMetadata;
}

/** Calls other nodes. Failures are those of RpcTransport, and `corrupt` for a reply that is none. */
export class RpcClient {
  readonly #transport: RpcTransport;
  readonly #sender: Sender;

  constructor(transport: RpcTransport, sender: Sender) {
    this.#transport = transport;
    this.#sender = sender;
  }

  async call<Request, Reply>(
    address: string,
    method: CallMethod<Request, Reply>,
    body: Request,
    options: RpcOptions,
  ): Promise<Reply> {
    const request = method.request.encode(body);
    const all = { ...options, metadata: this.#sender.credentials(method.access) };
    return method.reply.decode(await this.#transport.call(address, method.path, request, all));
  }

  async *stream<Request, Reply>(
    address: string,
    method: StreamMethod<Request, Reply>,
    body: Request,
    options: RpcOptions,
  ): AsyncGenerator<Reply, undefined> {
    const request = method.request.encode(body);
    const all = { ...options, metadata: this.#sender.credentials(method.access) };
    for await (const reply of this.#transport.stream(address, method.path, request, all))
      yield method.reply.decode(reply);
    return undefined;
  }
}
