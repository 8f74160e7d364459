import type { Duplex } from 'node:stream';

/** What becomes of the bytes of a connection that its user reads by itself. */
export interface RawUser {
  /** Where the next bytes go; has room for one at the least. Asked again after each taking. */
  room(): Uint8Array;
  /** So many have come there. False: no more are read until resume(). */
  took(lengthBytes: number): boolean;
  /** The client sends no more. */
  ended(): void;
  /** Nothing comes and nothing goes any more; told once. */
  closed(): void;
}

export interface RawSocket {
  /**
   * Some bytes, one behind the other, in one call of the system. False: what was written waits for its reader; `onDrained` of
   * the taking is told once it has gone.
   */
  write(...answer: readonly (string | Uint8Array)[]): boolean;
  resume(): void;
  /** Closes once what was written has gone. */
  end(): void;
  destroy(): void;
  /**
   * Gives it away as a stream like any other, which begins with these bytes and goes on with those to come; its user is told
   * nothing any more but closed().
   */
  handOver(bytes: Uint8Array, give: (socket: Duplex) => void): void;
}

/** Connections whose bytes go right where their user wants them, with no buffer made for each piece. */
export interface RawSockets {
  /**
   * Takes an accepted connection that nobody has read from but what its user knows of; undefined where it cannot be: the
   * connection is as before then.
   */
  take(socket: Duplex, user: RawUser, onDrained: () => void): RawSocket | undefined;
}
