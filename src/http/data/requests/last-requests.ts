/**
 * The last requests of their connections, by HTTP/1.0 or `Connection: close`. Go reads nothing behind them, such as the body of
 * a small device that gives no length; Node's parser takes it for a request that is none.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

type Socket = FastifyRequest['socket'];

export class LastRequests {
  readonly #requests = new WeakMap<Socket, FastifyRequest['raw']>();

  constructor(server: FastifyInstance['server']) {
    server.on('request', (request: FastifyRequest['raw'], answer: { shouldKeepAlive: boolean }) => {
      if (!answer.shouldKeepAlive) this.#requests.set(request.socket, request);
    });
  }

  /** Whether the parser stumbled over what is nobody's: the last request is whole, and is answered as it is. */
  isBehind({ code = '' }: { readonly code?: string }, socket: Socket): boolean {
    return code.startsWith('HPE_') && this.#requests.get(socket)?.complete === true;
  }
}
