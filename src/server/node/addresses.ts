import { createServer } from 'node:net';
import { hostAndPort, parseBindAddress } from '../../base/bind-address.ts';
import { DbError } from '../../base/errors.ts';
import { listenFault } from '../../base/listen-fault.ts';

/** Where others reach it: the advertised name with the port that is bound. */
export function advertised(hostname: string, bind: string): string {
  const name = hostname === '' ? 'localhost' : hostname;
  return hostAndPort(name, parseBindAddress(bind).port);
}

interface Listens {
  listen(at: { readonly host: string; readonly port: number }): Promise<unknown>;
}

/** Listens where the configuration says. Throws `unavailable` with Go's text, which names the address. */
export async function listenAt(api: Listens, bind: string): Promise<void> {
  const { host, port } = parseBindAddress(bind);
  try {
    await api.listen({ port, host: host === '' ? await anyHost() : host });
  } catch (error) {
    throw new DbError('unavailable', `listen tcp ${bind}: ${listenFault(error)}`, { cause: error });
  }
}

/** IPv6 takes IPv4 along, but not every machine has it. */
function anyHost(): Promise<string> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve('0.0.0.0');
    });
    probe.listen({ port: 0, host: '::' }, () => {
      probe.close(() => {
        resolve('::');
      });
    });
  });
}
