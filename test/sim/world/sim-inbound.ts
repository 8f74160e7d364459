import { DbError } from '../../../src/base/errors.ts';
import type { AcceptConnection, ConnectionReader, DatagramReceiver, Inbound, InboundConnection, InboundListener, HandedSocket } from '../../../src/env/inbound.ts'; // prettier-ignore
import type { Life, Loop } from './loop.ts';

const oneWayMs = 2;

interface Bound {
  readonly life: Life;
  readonly receiver?: DatagramReceiver;
  readonly accept?: AcceptConnection;
  readonly connections: Set<SimSender>;
}

/** Ports of the nodes that senders outside of the cluster reach, by `node udp :8089`. */
export class SimDoors {
  readonly #loop: Loop;
  readonly #bound = new Map<string, Bound>();

  constructor(loop: Loop) {
    this.#loop = loop;
  }

  bind(life: Life, name: string, bound: Pick<Bound, 'receiver' | 'accept'>): () => void {
    const key = `${life.node} ${name}`;
    if (this.#bound.get(key)?.life.alive === true)
      throw new DbError('unavailable', `listen ${name}: bind: address already in use`);
    const one = { life, ...bound, connections: new Set<SimSender>() };
    this.#bound.set(key, one);
    return () => {
      if (this.#bound.get(key) === one) this.#bound.delete(key);
    };
  }

  /** Nobody hears what becomes of a datagram. */
  sendDatagram(node: string, bind: string, bytes: Uint8Array): void {
    this.#loop.schedule(oneWayMs, () => {
      const bound = this.#bound.get(`${node} udp ${bind}`);
      if (bound?.life.alive === true) bound.receiver?.datagram(bytes.slice());
    });
  }

  /** Undefined where nobody listens, or who does took it not. */
  connect(node: string, bind: string): SimSender | undefined {
    const bound = this.#bound.get(`${node} tcp ${bind}`);
    if (bound?.life.alive !== true) return undefined;
    const sender = new SimSender(this.#loop, bound.life);
    const reader = bound.accept?.(sender.connection);
    if (reader === undefined) return undefined;
    sender.readBy(reader);
    return sender;
  }
}

/** The far end of a connection: bytes arrive in order, and wait while the node has paused. */
export class SimSender {
  readonly connection: InboundConnection;
  /** What the node has written. */
  readonly answered: Uint8Array[] = [];
  isClosed = false;
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #waiting: (Uint8Array | undefined)[] = [];
  #reader: ConnectionReader | undefined;
  #isPaused = false;

  constructor(loop: Loop, life: Life) {
    this.#loop = loop;
    this.#life = life;
    const close = this.close.bind(this);
    this.connection = {
      local: `${life.node}:1`,
      remote: 'sender:1',
      pause: () => {
        this.#isPaused = true;
      },
      resume: () => {
        this.#isPaused = false;
        this.#loop.schedule(0, this.#deliver.bind(this));
      },
      write: (bytes) => {
        this.answered.push(bytes.slice());
        return true;
      },
      end: close,
      destroy: close,
      handOver: (_bytes: Uint8Array, _give: (socket: HandedSocket) => void) => {
        throw new DbError('unavailable', 'a simulated machine has no sockets to give away');
      },
    };
  }

  /** So many parts have not been taken. */
  get waitingCount(): number {
    return this.#waiting.length;
  }

  readBy(reader: ConnectionReader): void {
    this.#reader = reader;
  }

  send(bytes: Uint8Array): void {
    this.#post(bytes.slice());
  }

  /** Sends no more. */
  end(): void {
    this.#post(undefined);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#loop.schedule(0, () => {
      if (this.#life.alive) this.#reader?.closed();
    });
  }

  #post(part: Uint8Array | undefined): void {
    this.#loop.schedule(oneWayMs, () => {
      this.#waiting.push(part);
      this.#deliver();
    });
  }

  #deliver(): void {
    while (!this.#isPaused && !this.isClosed && this.#life.alive && this.#waiting.length > 0) {
      const part = this.#waiting.shift();
      if (part === undefined) this.#reader?.ended();
      else this.#reader?.took(part);
    }
  }
}

export class SimInbound implements Inbound {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #doors: SimDoors;

  constructor(loop: Loop, life: Life, doors: SimDoors) {
    this.#loop = loop;
    this.#life = life;
    this.#doors = doors;
  }

  listenDatagrams(bind: string, receiver: DatagramReceiver): Promise<InboundListener> {
    return this.#listen(`udp ${bind}`, { receiver });
  }

  listenConnections(bind: string, accept: AcceptConnection): Promise<InboundListener> {
    return this.#listen(`tcp ${bind}`, { accept });
  }

  #listen(name: string, bound: Pick<Bound, 'receiver' | 'accept'>): Promise<InboundListener> {
    return this.#loop.later(this.#life, 0, () => {
      const free = this.#doors.bind(this.#life, name, bound);
      const address = `${this.#life.node}${name.slice(name.indexOf(':'))}`;
      return { address, close: () => this.#loop.later(this.#life, 0, free) };
    });
  }
}
