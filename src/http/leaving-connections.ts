/** Connections of a node that stops: whoever has an answer under way gets it, and is kept no longer. */
import type { FastifyInstance } from 'fastify';

/**
 * By itself Node's server ends connections that are idle when it closes, and waits for the others until their clients leave, which
 * may be as long as a client likes to keep a connection.
 */
export function endConnectionsOnClose(api: FastifyInstance): void {
  let isClosing = false;
  api.addHook('preClose', (done) => {
    isClosing = true;
    done();
  });
  api.addHook('onSend', (_request, { raw }, payload, done) => {
    if (isClosing && !raw.headersSent) raw.setHeader('Connection', 'close');
    done(null, payload);
  });
  api.addHook('onResponse', ({ raw: { socket } }, _reply, done) => {
    // The answer had begun before, and promised to keep the connection.
    if (isClosing) socket.destroySoon();
    done();
  });
}
