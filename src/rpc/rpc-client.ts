import type { RpcOptions, RpcTransport } from '../env/transport.ts';
import { sealRequest } from './envelope.ts';
import { decodeMessage } from './message.ts';

/** Calls other nodes with plain data. Failures are those of RpcTransport. */
export class RpcClient {
  readonly #transport: RpcTransport;
  readonly #clusterId: () => bigint;

  constructor(transport: RpcTransport, clusterId: () => bigint) {
    this.#transport = transport;
    this.#clusterId = clusterId;
  }

  async call(
    address: string,
    method: string,
    body: unknown,
    options: RpcOptions,
  ): Promise<unknown> {
    const request = sealRequest(this.#clusterId(), body);
    return decodeMessage(await this.#transport.call(address, method, request, options));
  }

  async *stream(
    address: string,
    method: string,
    body: unknown,
    options: RpcOptions,
  ): AsyncGenerator<unknown, undefined> {
    const request = sealRequest(this.#clusterId(), body);
    for await (const reply of this.#transport.stream(address, method, request, options))
      yield decodeMessage(reply);
    return undefined;
  }
}
