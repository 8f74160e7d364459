/**
 * Connections of senders to a bind address. One that has been silent for the longest makes room for a new one beyond the limit;
 * all wait while the batcher has no room. Nothing ends a sender that is slow: the reference's wait for ever, and keepalive of
 * the system finds those that are gone.
 */
import type { Clock } from '../../env/clock.ts';
import type { ConnectionReader, Inbound, InboundConnection, InboundListener } from '../../env/inbound.ts'; // prettier-ignore
import type { SecureSockets } from '../../env/secure-sockets.ts';
import type { PointBatcher } from './point-batcher.ts';

export interface ConnectionsPorts {
  readonly clock: Pick<Clock, 'wallNs'>;
  readonly inbound: Inbound;
  readonly batcher: Pick<PointBatcher, 'hasRoom' | 'whenRoom'>;
  /** TLS below the connections; left out where they are plain. */
  readonly secureSockets?: SecureSockets | undefined;
}

export interface ConnectionsOptions {
  readonly bind: string;
  /** connectionsMax when left out. */
  readonly countMax?: number;
}

export interface OpenConnection {
  readonly connection: InboundConnection;
  readonly sinceNs: bigint;
}

/** Each has a descriptor and some memory of the system; more senders than this go through a relay. */
const connectionsMax = 8_192;

/** Says who reads a connection; its bytes are used again once took() returns. */
export type OpenReader = (connection: InboundConnection) => ConnectionReader;

export class Connections {
  readonly #ports: ConnectionsPorts;
  readonly #countMax: number;
  readonly #openReader: OpenReader;
  /** The one that was silent for the longest is the first. */
  readonly #open = new Map<InboundConnection, OpenConnection>();
  #listener: InboundListener | undefined;
  #handledCount = 0;
  #isHeld = false;
  #isClosed = false;

  private constructor(
    ports: ConnectionsPorts,
    options: ConnectionsOptions,
    openReader: OpenReader,
  ) {
    this.#ports = ports;
    this.#countMax = options.countMax ?? connectionsMax;
    this.#openReader = openReader;
  }

  /** Rejects with the reference's text. */
  static async open(
    ports: ConnectionsPorts,
    options: ConnectionsOptions,
    openReader: OpenReader,
  ): Promise<Connections> {
    const connections = new Connections(ports, options, openReader);
    const accept = connections.#accept.bind(connections);
    connections.#listener = await ports.inbound.listenConnections(
      options.bind,
      accept,
      ports.secureSockets,
    );
    return connections;
  }

  get address(): string {
    return this.#listener?.address ?? '';
  }

  get activeCount(): number {
    return this.#open.size;
  }

  get handledCount(): number {
    return this.#handledCount;
  }

  list(): readonly OpenConnection[] {
    return [...this.#open.values()];
  }

  /** It is another's from now on: no longer held up, counted as active or closed with the others. */
  leave(connection: InboundConnection): void {
    this.#open.delete(connection);
  }

  /** What was taken counts; what is on its way is lost, as with the reference. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#listener?.close();
    for (const connection of this.#open.keys()) connection.destroy();
  }

  #accept(connection: InboundConnection): ConnectionReader | undefined {
    if (this.#isClosed) return undefined;
    const [silent] = this.#open.keys();
    if (this.#open.size >= this.#countMax && silent !== undefined) {
      this.#open.delete(silent);
      silent.destroy();
    }
    this.#handledCount++;
    const entry = { connection, sinceNs: this.#ports.clock.wallNs() };
    this.#open.set(connection, entry);
    if (this.#isHeld) connection.pause();
    const reader = this.#openReader(connection);
    return {
      took: (bytes) => {
        if (this.#isClosed) return;
        if (this.#open.delete(connection)) this.#open.set(connection, entry);
        reader.took(bytes);
        if (!this.#ports.batcher.hasRoom) this.#hold();
      },
      ended: reader.ended.bind(reader),
      closed: () => {
        this.#open.delete(connection);
        reader.closed();
      },
    };
  }

  #hold(): void {
    if (this.#isHeld) return;
    this.#isHeld = true;
    for (const connection of this.#open.keys()) connection.pause();
    this.#ports.batcher.whenRoom(() => {
      this.#isHeld = false;
      for (const connection of this.#open.keys()) connection.resume();
    });
  }
}
