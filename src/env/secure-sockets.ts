import type { Duplex } from 'node:stream';

/** Who an accepted connection is for. */
export interface SecureUser {
  /** Names of what it speaks above TLS, for clients that ask (ALPN); nothing is agreed on when left out. */
  readonly protocols?: readonly string[];
  /** What the client says in secret. */
  secure(socket: Duplex): void;
  /** A client that does not speak TLS, and the first bytes that it has sent. */
  plain(socket: Duplex, first: Uint8Array): void;
}

/** The server's side of TLS over connections that are accepted already (spec F98 to F100). */
export interface SecureSockets {
  /**
   * Waits for the client's first bytes and shakes hands. A connection that says nothing, fails or takes too long is closed,
   * and nobody is told. False: it is none that came from outside, and is left as it is.
   */
  accept(socket: Duplex, user: SecureUser): boolean;
  close(): void;
}
