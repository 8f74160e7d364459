/**
 * Requests that Node's server answers, of clients that have said they send no more: some shells and small devices do so as soon
 * as their request is out, and read on. By itself Node's server ends such a connection, with whatever it was to answer.
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Timer } from '../../../env/clock.ts';
import type { IdleWatch } from './idle-watch.ts';

/**
 * Who has left looks the same until something is written to it. The reference ends a query then and there; here it has as long
 * for the next bytes of its answer, and what is not left at all, as writes are, goes on.
 */
export const halfOpenMs = 1_000;

/** `isLeft` says of which requests nobody has anything once the client has gone. */
export function answerHalfOpen(
  api: FastifyInstance,
  watch: IdleWatch,
  isLeft: (request: FastifyRequest) => boolean,
): void {
  // Not documented, and as good as not there where Node does not know it any more.
  Object.assign(api.server, { httpAllowHalfOpen: true });
  api.addHook('onRequest', (request, reply, done) => {
    if (isLeft(request)) watchAnswer(request.raw.socket, reply.raw, watch);
    done();
  });
}

type Socket = FastifyRequest['raw']['socket'];

function watchAnswer(socket: Socket, answer: NodeJS.EventEmitter, watch: IdleWatch): void {
  let watched: Timer | undefined;
  // A slow reader is another's to leave.
  const sentBytes = (): number => (socket.writableNeedDrain ? Number.NaN : socket.bytesWritten);
  const begin = (): void => {
    watched = watch.add(sentBytes, () => {
      socket.destroy();
    });
  };
  let forget = (): void => undefined;
  if (socket.readableEnded) begin();
  else forget = whenEnded(socket, begin);
  answer.once('close', () => {
    forget();
    watched?.cancel();
  });
}

/** One listener to each socket is enough: any number of requests may wait in it one behind the other. */
const ends = new WeakMap<Socket, Set<() => void>>();

/** Gives what has `begin` not called any more. */
function whenEnded(socket: Socket, begin: () => void): () => void {
  const known = ends.get(socket);
  const all = known ?? new Set<() => void>();
  all.add(begin);
  if (known === undefined) {
    ends.set(socket, all);
    socket.once('end', () => {
      for (const one of all) one();
    });
  }
  return () => void all.delete(begin);
}
