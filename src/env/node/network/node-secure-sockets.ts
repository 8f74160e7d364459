import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext, TLSSocket, type SecureContext, type SecureContextOptions } from 'node:tls'; // prettier-ignore
import { formatRfc3339 } from '../../../base/rfc3339.ts';
import { errorText } from '../../../base/errors.ts';
import { hourMs } from '../../../base/units.ts';
import type { Clock, Timer } from '../../clock.ts';
import type { Log } from '../../log.ts';
import type { SecureSockets, SecureUser } from '../../secure-sockets.ts';
import { loadCertificate, type CertificateFiles, type TlsCertificate } from './tls-certificate.ts';

/** A client that has not shaken hands by then is left. */
const handshakeMs = 10_000;
/** Of a record that shakes hands. */
const handshakeByte = 22;

export interface SecureSettings {
  readonly files: CertificateFiles;
  /** Versions and suites, in the words of OpenSSL. */
  readonly policy: Pick<SecureContextOptions, 'minVersion' | 'maxVersion' | 'ciphers'>;
  /** A certificate that ends sooner is named in the log each hour. */
  readonly warnAheadMs: number;
}

interface Ports {
  readonly clock: Clock;
  readonly log: Log;
}

/** TLS with a certificate that can be exchanged while connections are open: those that come use the new one. */
export class NodeSecureSockets implements SecureSockets {
  readonly #ports: Ports;
  readonly #shaking = new Set<Socket>();
  readonly #watch: Timer;
  #settings: SecureSettings;
  #certificate: TlsCertificate;
  #context: SecureContext;

  private constructor(ports: Ports, settings: SecureSettings, certificate: TlsCertificate) {
    this.#ports = ports;
    this.#settings = settings;
    this.#certificate = certificate;
    this.#context = contextOf(settings, certificate);
    this.#watch = ports.clock.every(hourMs, () => {
      this.#warn();
    });
    this.#warn();
  }

  /** Throws `invalid_argument` for files that will not do. */
  static async open(ports: Ports, settings: SecureSettings): Promise<NodeSecureSockets> {
    const certificate = await loadCertificate(settings.files);
    return new NodeSecureSockets(ports, settings, certificate);
  }

  /** Reads the files anew; what is wrong with them is logged, and the old ones stay. */
  async reload(settings: SecureSettings): Promise<void> {
    const { log } = this.#ports;
    const { certificatePath: cert, keyPath: key } = settings.files;
    try {
      const certificate = await loadCertificate(settings.files);
      this.#context = contextOf(settings, certificate);
      this.#certificate = certificate;
      this.#settings = settings;
      log.info('Successfully loaded TLS certificate', { cert, key });
      this.#warn();
    } catch (error) {
      const text = 'Error loading TLS certificate, continuing to use previously loaded certificate';
      log.error(text, { error: errorText(error), failedCert: cert, failedKey: key });
    }
  }

  accept(socket: Duplex, user: SecureUser): boolean {
    if (!(socket instanceof Socket)) return false;
    this.#shaking.add(socket);
    const drop = (): void => {
      socket.destroy();
    };
    const timer = this.#ports.clock.after(handshakeMs, drop);
    const settled = (): void => {
      timer.cancel();
      this.#shaking.delete(socket);
    };
    socket.once('close', settled).on('error', drop).once('end', drop);
    socket.once('data', (first: Buffer) => {
      socket.off('end', drop);
      if (first[0] !== handshakeByte) {
        settled();
        user.plain(socket, first);
        return;
      }
      socket.pause();
      socket.unshift(first);
      const { protocols = [] } = user;
      const secure = new TLSSocket(socket, {
        isServer: true,
        secureContext: this.#context,
        ...(protocols.length > 0 && { ALPNProtocols: [...protocols] }),
      });
      secure.on('error', drop);
      secure.once('secure', () => {
        settled();
        // As Node's own server does: HTTP/2 would wait for it.
        Object.assign(secure, { secureConnecting: false });
        user.secure(secure);
      });
    });
    return true;
  }

  close(): void {
    this.#watch.cancel();
    for (const socket of this.#shaking) socket.destroy();
  }

  #warn(): void {
    const { clock, log } = this.#ports;
    const { notBeforeMs, notAfterMs } = this.#certificate;
    const nowMs = Number(clock.wallNs() / 1_000_000n);
    const { certificatePath: cert } = this.#settings.files;
    const timeOf = (ms: number): string => formatRfc3339(BigInt(ms) * 1_000_000n);
    if (nowMs > notAfterMs)
      log.warn('Certificate is expired', { cert, NotAfter: timeOf(notAfterMs) }); // prettier-ignore
    else if (nowMs < notBeforeMs)
      log.warn('Certificate is not valid yet', { cert, NotBefore: timeOf(notBeforeMs) }); // prettier-ignore
    else if (notAfterMs - nowMs < this.#settings.warnAheadMs)
      log.warn('Certificate will expire soon', { cert, NotAfter: timeOf(notAfterMs) });
  }
}

function contextOf({ policy }: SecureSettings, certificate: TlsCertificate): SecureContext {
  const { certificatePem: cert, keyPem: key } = certificate;
  return createSecureContext({ ...policy, cert, key, honorCipherOrder: true });
}
