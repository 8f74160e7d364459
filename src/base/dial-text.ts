/** Go's words for a connection that did not come about, as users of the reference know them from its log and its tools. */

interface DialError {
  readonly code?: string | undefined;
  readonly message: string;
  /** Of a name with several addresses: it fails with what each of them failed with. */
  readonly errors?: readonly Error[] | undefined;
  readonly address?: string | undefined;
  readonly port?: number | undefined;
}

const reasons: ReadonlyMap<string | undefined, string> = new Map([
  ['ECONNREFUSED', 'connect: connection refused'],
  ['ECONNRESET', 'read: connection reset by peer'],
  ['EHOSTUNREACH', 'connect: no route to host'],
  ['ENETUNREACH', 'connect: network is unreachable'],
  ['ETIMEDOUT', 'i/o timeout'],
]);

const certificate = 'tls: failed to verify certificate: x509: certificate';
const unknownIssuer = `${certificate} signed by unknown authority`;
const tlsReasons: ReadonlyMap<string | undefined, string> = new Map([
  ['DEPTH_ZERO_SELF_SIGNED_CERT', unknownIssuer],
  ['SELF_SIGNED_CERT_IN_CHAIN', unknownIssuer],
  ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', unknownIssuer],
  ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', unknownIssuer],
  ['CERT_HAS_EXPIRED', `${certificate} has expired or is not yet valid`],
  ['CERT_NOT_YET_VALID', `${certificate} has expired or is not yet valid`],
]);

/** Whether a port has answered a handshake with what is none. */
export function isNoTls({ code = '', message }: DialError): boolean {
  if (code === 'EPROTO') return /wrong version number|packet length too long/.test(message);
  return /^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/.test(code);
}

/** Why `address` (host:port) could not be reached. */
export function dialText(address: string, error: DialError): string {
  const portless = /^(?:[^:]*|\[.*\])$/.test(address);
  if (portless) return `dial tcp: address ${address}: missing port in address`;
  const port = /:([^:\]]*)$/.exec(address)?.[1] ?? '';
  if (!/^\d+$/.test(port) || Number(port) > 65_535)
    return `dial tcp: address ${port}: invalid port`;
  const [first = error] = error.errors ?? [];
  const { code, message, address: ip, port: dialled = port } = first as DialError;
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return `dial tcp: lookup ${address.slice(0, -port.length - 1)}: no such host`;
  const reason = reasons.get(code);
  const host = ip?.includes(':') === true ? `[${ip}]` : ip;
  if (reason !== undefined) return `dial tcp ${host === undefined ? address : `${host}:${dialled}`}: ${reason}`; // prettier-ignore
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return `${certificate} is not valid for ${address.slice(0, -port.length - 1)}`; // prettier-ignore
  if (isNoTls(first)) return 'http: server gave HTTP response to HTTPS client';
  return tlsReasons.get(code) ?? message;
}
