import type { Duplex } from 'node:stream';
import type { SecureSockets } from './secure-sockets.ts';

/**
 * What comes to a node from senders that are none of its cluster and do not speak its HTTP: points in other protocols. Bytes
 * are the receiver's until it returns, and used again after that.
 */
export interface Inbound {
  /**
   * Datagrams to `bind` (`host:port`; no host is every interface), whole and one by one. Rejects with `unavailable` and Go's
   * text, `listen udp :8089: bind: address already in use`, and where the system does not take `bufferBytes`.
   */
  listenDatagrams(bind: string, receiver: DatagramReceiver): Promise<InboundListener>;
  /** Connections to `bind`. Rejects as above, with `tcp`. With `secureSockets` they speak TLS; those that do not are closed. */
  listenConnections(
    bind: string,
    accept: AcceptConnection,
    secureSockets?: SecureSockets,
  ): Promise<InboundListener>;
}

export interface InboundListener {
  /** `host:port` that it has: the port is the system's where `bind` asked for 0. */
  readonly address: string;
  /** Nothing is received any more. Connections that are there stay until they are destroyed. */
  close(): Promise<void>;
}

export interface DatagramReceiver {
  /** Of the system, for what was not received yet; 0 leaves it as it is. */
  readonly bufferBytes: number;
  datagram(bytes: Uint8Array): void;
  /** One could not be read; others may be. */
  failed(error: unknown): void;
}

/** Says who reads a connection; undefined closes it. */
export type AcceptConnection = (connection: InboundConnection) => ConnectionReader | undefined;

/** Nothing is told before the accepting call has returned. */
export interface ConnectionReader {
  took(bytes: Uint8Array): void;
  /** The sender sends no more; it may still read. Who does not end or destroy the connection keeps it. */
  ended(): void;
  /** Nothing comes and nothing goes any more, for whatever reason; told once. */
  closed(): void;
}

export interface InboundConnection {
  /** `host:port` of both ends. */
  readonly local: string;
  readonly remote: string;
  /** Nothing more is taken until resume(), so that the sender has to wait. */
  pause(): void;
  resume(): void;
  /** False where what was written waits for its reader: who asks for much has to read it. */
  write(bytes: Uint8Array): boolean;
  /** Closes once what was written has gone. */
  end(): void;
  destroy(): void;
  /** Gives it away as a stream that begins with these bytes: its reader is told nothing any more but closed(). */
  handOver(bytes: Uint8Array, give: (socket: HandedSocket) => void): void;
}

/** A connection as a stream. */
export interface HandedSocket extends Duplex {
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Closes it once what was written has gone. */
  destroySoon(): void;
}
