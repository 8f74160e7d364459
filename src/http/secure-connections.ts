/** TLS below an API (spec F98, F100): its server sees connections once their clients have shaken hands. */
import type { Duplex } from 'node:stream';
import type { FastifyInstance } from 'fastify';
import type { SecureSockets } from '../env/secure-sockets.ts';

/** Go's words for a client that speaks plain HTTP. */
const plainAnswer =
  'HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n';

/** From now on connections of the server are taken for such of TLS. */
export function addSecureConnections(api: FastifyInstance, secureSockets: SecureSockets): void {
  const { server } = api;
  const listeners = server.listeners('connection') as ((socket: Duplex) => void)[];
  const user = {
    secure: (socket: Duplex): void => {
      for (const one of listeners) one.call(server, socket);
    },
    plain: (socket: Duplex): void => {
      socket.end(plainAnswer);
    },
  };
  server.removeAllListeners('connection');
  server.on('connection', (socket: Duplex) => {
    // What this node gives to its own server has been read already.
    if (!secureSockets.accept(socket, user)) user.secure(socket);
  });
  api.addHook('preClose', (done) => {
    secureSockets.close();
    done();
  });
}
