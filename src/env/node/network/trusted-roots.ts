import * as tls from 'node:tls';

let roots: readonly string[] | undefined;

/**
 * PEM of those that may sign certificates: who Node trusts, and who this machine does (`/etc/ssl/certs`, SSL_CERT_FILE,
 * SSL_CERT_DIR), as the reference's runtime reads them. Read once.
 */
export function trustedRoots(): readonly string[] {
  roots ??= [...new Set([...tls.getCACertificates('default'), ...tls.getCACertificates('system')])];
  return roots;
}
