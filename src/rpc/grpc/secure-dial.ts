import { connect, isIP } from 'node:net';
import { connect as connectSecurely, type SecureContext, type TLSSocket } from 'node:tls';

/** How a peer that speaks TLS is called. */
export interface SecureDial {
  /** False takes any certificate. */
  readonly isVerified: boolean;
  /** Versions, suites, and who may have signed; made when it is first asked for. */
  readonly context: () => SecureContext;
}

/** By the method that is called, `/package.Service/Method`: metas and data nodes serve different ones. Undefined: plainly. */
export type SecureDialOf = (method: string) => SecureDial | undefined;

/** Of HTTP/2, as ALPN has it. */
export const http2Protocol = 'h2';

export function dialSecurely(
  { host, port }: { readonly host: string; readonly port: number },
  { isVerified, context }: SecureDial,
): TLSSocket {
  return connectSecurely({
    // By itself TLS would wait for a full packet before it sends what is short.
    socket: connect({ host, port, noDelay: true }),
    host,
    // A name that is an address is checked, and not sent (RFC 6066).
    servername: isIP(host) === 0 ? host : '',
    secureContext: context(),
    rejectUnauthorized: isVerified,
    ALPNProtocols: [http2Protocol],
  });
}
