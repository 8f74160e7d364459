/**
 * Requests that come on one connection before those ahead of them are answered. Node has all of them at work at once, and only puts
 * their answers in order: a query would not see the write before it, and of two writes the first could be the later one
 * (decision 153).
 */
import type { FastifyInstance, FastifyRequest } from 'fastify';

type Socket = FastifyRequest['socket'];

/** So many of a connection wait; what comes behind them is left to the network. */
const waitingMax = 32;

/**
 * Has a request wait, before anything else looks at it, until the answer to the one before it is out. One behind the last answer of
 * its connection is never begun.
 */
export function addTurns(api: FastifyInstance): void {
  const waitingOf = new WeakMap<Socket, number>();
  const held = new WeakSet<Socket>();
  api.addHook('onRequest', ({ raw: { socket } }, { raw: response }, done) => {
    // It is whose turn it is that has the socket.
    if (response.socket !== null) {
      done();
      return;
    }
    const waiting = (waitingOf.get(socket) ?? 0) + 1;
    waitingOf.set(socket, waiting);
    if (waiting === waitingMax) {
      held.add(socket);
      socket.pause();
    }
    response.once('socket', () => {
      const left = (waitingOf.get(socket) ?? 1) - 1;
      waitingOf.set(socket, left);
      if (left === 0 && held.delete(socket)) socket.resume();
      done();
    });
  });
}
