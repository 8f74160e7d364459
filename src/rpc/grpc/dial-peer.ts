import { connect as connectTcp, type Socket } from 'node:net';
import { dialText, isNoTls } from '../../base/dial-text.ts';
import { DbError } from '../../base/errors.ts';
import { dialSecurely, type SecureDial } from './secure-dial.ts';
import { splitAddress } from './split-address.ts';

/** Go's words. */
const noTlsText = 'tls: first record does not look like a TLS handshake';

/** Of a connection that did not come about in time, and of one that ended before it spoke HTTP/2. */
export const timedOut = Object.assign(new Error('no answer in time'), { code: 'ETIMEDOUT' });
export const refused = Object.assign(new Error('the connection ended'), { code: 'ECONNREFUSED' });

/** Throws `unavailable` for what is no address: somebody has typed it. */
export function dial(address: string, secure: SecureDial | undefined): Socket {
  const [host, port] = splitAddress(address);
  try {
    if (secure !== undefined) return dialSecurely({ host, port }, secure);
    return connectTcp({ host, port, noDelay: true });
  } catch (error) {
    throw new DbError('unavailable', dialText(address, error as Error), { cause: error });
  }
}

/** Why there is no connection. */
export function unreachable(address: string, error: Error): DbError {
  const text = isNoTls(error) ? noTlsText : dialText(address, error);
  return new DbError('unavailable', text, { cause: error });
}
