/** Clients that wait for `100 Continue` before they send a body, as curl does with a large one. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

/**
 * They hear it once the body is to be read. What is refused by its address, its user or its length is answered at once, and the
 * connection ends behind it: whether the body still comes nobody knows. Comes behind whatever refuses a request.
 */
export function answerExpecting(api: FastifyInstance): void {
  const waiting = new WeakSet<FastifyRequest['raw']>();
  api.server.on('checkContinue', (request: FastifyRequest['raw'], response) => {
    waiting.add(request);
    api.server.emit('request', request, response);
  });
  // As Go: a header without a value expects nothing, and what nobody meets ends the connection.
  api.server.on('checkExpectation', (request: FastifyRequest['raw'], response: FastifyReply['raw']) => {
    if (request.headers.expect === '') api.server.emit('request', request, response);
    else response.writeHead(417, { Connection: 'close' }).end();
  }); // prettier-ignore
  api.addHook('preParsing', (request, reply, payload, done) => {
    const { raw, routeOptions } = request;
    const isTooLarge = Number(raw.headers['content-length'] ?? 0) > routeOptions.bodyLimit;
    if (!isTooLarge && waiting.delete(raw)) reply.raw.writeContinue();
    done(null, payload);
  });
  api.addHook('onSend', ({ raw: request }, { raw: response }, payload, done) => {
    if (waiting.has(request)) response.setHeader('Connection', 'close');
    done(null, payload);
  });
}
