import { InvariantError } from '../../../src/base/assert.ts';
import { Latch } from '../../../src/base/async/latch.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { Timer } from '../../../src/env/clock.ts';
import { marshalError, unmarshalError } from '../../../src/env/node/engine/engine-protocol.ts';
import { fraction } from '../../../src/env/random.ts';
import type {
  RpcAdmission,
  RpcHandlers,
  RpcListener,
  RpcMetadata,
  RpcOptions,
  RpcTransport,
} from '../../../src/env/transport.ts';
import type { Life, Loop } from './loop.ts';
import { chance, type Fate, type SimNetwork } from './sim-network.ts';

/** How far a stream runs ahead of its reader. */
const streamWindow = 8;
/** After this a server notices that a silent caller is gone. */
const keepaliveMs = 15_000;

interface Listener {
  readonly address: string;
  readonly life: Life;
  readonly handlers: RpcHandlers;
  /** Requests being handled: what to tell their callers when the connection breaks. */
  readonly inFlight: Set<(isReset: boolean) => void>;
  readonly aborts: Set<AbortController>;
  isClosed: boolean;
}

/** Who listens where, over all machines. */
export class SimSwitchboard {
  readonly network: SimNetwork;
  readonly #listeners = new Map<string, Listener>();
  /** Which machine an address belongs to, also while nobody listens. */
  readonly #machines = new Map<string, string>();
  #portNext = 20_000;

  constructor(network: SimNetwork) {
    this.network = network;
  }

  find(address: string): Listener | undefined {
    const listener = this.#listeners.get(address);
    return listener?.life.alive === true && !listener.isClosed ? listener : undefined;
  }

  machine(address: string): string {
    return this.#machines.get(address) ?? `nobody:${address}`;
  }

  listen(life: Life, asked: string, handlers: RpcHandlers): Listener {
    const address = asked.replace(/:0$/, () => `:${this.#portNext++}`);
    if (this.find(address) !== undefined) {
      throw new DbError('conflict', `listen tcp ${address}: bind: address already in use`);
    }
    const listener: Listener = {
      address,
      life,
      handlers,
      inFlight: new Set(),
      aborts: new Set(),
      isClosed: false,
    };
    this.#listeners.set(address, listener);
    this.#machines.set(address, life.node);
    return listener;
  }

  /** Tells the callers of a dead process, as the resets of its machine do. */
  crash(life: Life): void {
    for (const listener of this.#listeners.values()) {
      if (listener.life !== life) continue;
      // A dead process is reset by its machine; a dead machine only falls silent.
      for (const broken of listener.inFlight) broken(chance(this.network.random, 0.7));
      listener.inFlight.clear();
    }
  }
}

export class SimTransport implements RpcTransport {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #board: SimSwitchboard;

  constructor(loop: Loop, life: Life, board: SimSwitchboard) {
    this.#loop = loop;
    this.#life = life;
    this.#board = board;
  }

  listen(address: string, handlers: RpcHandlers): Promise<RpcListener> {
    return this.#loop.later(this.#life, 0.1, () => {
      const listener = this.#board.listen(this.#life, address, handlers);
      return { address: listener.address, close: () => this.#closeListener(listener) };
    });
  }

  call(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Uint8Array> {
    const { deadlineMs, signal, metadata = {} } = options;
    if (signal?.aborted === true) return Promise.reject(cancelled(signal));
    const exchange = new Exchange(this.#loop, this.#life, this.#board);
    const answer = new Latch<Uint8Array>();
    const finish = (settle: () => void): void => {
      if (!exchange.end()) return;
      timer.cancel();
      signal?.removeEventListener('abort', onAbort);
      settle();
    };
    const fail = (error: DbError): void => {
      finish(() => {
        answer.fail(error);
      });
    };
    const onAbort = (): void => {
      fail(cancelled(signal));
    };
    const timer = this.#loop.schedule(deadlineMs, () => {
      fail(timedOut(method, address));
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    const bytes = request.slice();
    const deliver = (listener: Listener, isCopy: boolean): void => {
      const run = exchange.serve(listener, deadlineMs, isCopy ? () => undefined : fail);
      const { handlers } = listener;
      invoke(() => {
        admit(handlers.admit(method, metadata), 'call', bytes);
        return handlers.call(method, bytes.slice(), { signal: run.signal });
      }).then(
        (reply) => {
          const copy = reply.slice();
          run.reply(() => {
            finish(() => {
              answer.open(copy);
            });
          });
        },
        (error: unknown) => {
          const shown = this.#marshal(error);
          run.reply(() => {
            fail(shown);
          });
        },
      );
    };
    exchange.send(address, { method, deliver, fail });
    return answer.promise;
  }

  async *stream(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { deadlineMs, signal, metadata = {} } = options;
    if (signal?.aborted === true) throw cancelled(signal);
    const exchange = new Exchange(this.#loop, this.#life, this.#board);
    const inbox = new Inbox();
    const onAbort = (): void => {
      inbox.fail(cancelled(signal), true);
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    const bytes = request.slice();
    exchange.send(address, {
      method,
      fail: (error) => {
        inbox.fail(error);
      },
      deliver: (listener, isCopy) => {
        // What a doubled request is answered belongs to no one: the caller reads one stream.
        this.#pump(listener, {
          method,
          metadata,
          bytes,
          exchange,
          inbox: isCopy ? new Inbox() : inbox,
        });
      },
    });
    try {
      for (;;) {
        const timer = this.#loop.schedule(deadlineMs, () => {
          if (this.#life.alive) inbox.fail(timedOut(method, address));
        });
        let item: Uint8Array | undefined;
        try {
          item = await inbox.take();
        } finally {
          timer.cancel();
        }
        if (item === undefined) return;
        yield item;
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
      inbox.stop();
      exchange.end();
    }
  }

  async close(): Promise<void> {
    await Promise.resolve();
  }

  /** Runs the handler of a stream on the server's side. */
  #pump(
    listener: Listener,
    stream: {
      readonly method: string;
      readonly metadata: RpcMetadata;
      readonly bytes: Uint8Array;
      readonly exchange: Exchange;
      readonly inbox: Inbox;
    },
  ): void {
    const { method, metadata, bytes, exchange, inbox } = stream;
    const run = exchange.serve(listener, Infinity, (error) => {
      inbox.fail(error);
    });
    const pump = async (): Promise<void> => {
      try {
        admit(listener.handlers.admit(method, metadata), 'stream', bytes);
        const replies = listener.handlers.stream(method, bytes, { signal: run.signal });
        for await (const reply of replies) {
          while (inbox.inFlight >= streamWindow && !run.signal.aborted) {
            await Promise.race([inbox.changed, run.aborted]);
          }
          if (run.signal.aborted) break;
          const copy = reply.slice();
          inbox.inFlight++;
          run.push(() => {
            inbox.push(copy);
          });
        }
        run.reply(() => {
          inbox.end();
        });
      } catch (error) {
        const shown = this.#marshal(error);
        run.reply(() => {
          inbox.fail(shown);
        });
      }
    };
    pump().catch((error: unknown) => {
      this.#loop.fail(error);
    });
  }

  #closeListener(listener: Listener): Promise<void> {
    listener.isClosed = true;
    for (const abort of listener.aborts) abort.abort(new DbError('shutdown', 'listener closed'));
    return this.#loop.later(this.#life, 0.1, () => {
      for (const broken of listener.inFlight) broken(true);
      listener.inFlight.clear();
    });
  }

  /** A broken invariant in a handler ends the run: it is what simulation looks for. */
  #marshal(error: unknown): DbError {
    if (error instanceof InvariantError) this.#loop.fail(error);
    const marshalled = marshalError(error);
    if (marshalled.stack !== undefined) this.#loop.note(`internal ${marshalled.text}`);
    return unmarshalError(marshalled);
  }
}

/** A request being handled on the server's side. */
interface ServerRun {
  readonly signal: AbortSignal;
  readonly aborted: Promise<void>;
  /** Sends a message that others follow, in order. */
  push(arrive: () => void): void;
  /** Sends the last message. */
  reply(arrive: () => void): void;
}

/** One request and what comes back, with all that the network does to them. */
class Exchange {
  readonly #loop: Loop;
  readonly #client: Life;
  readonly #board: SimSwitchboard;
  readonly #onEnd: (() => void)[] = [];
  #server = '';
  #isOver = false;

  constructor(loop: Loop, client: Life, board: SimSwitchboard) {
    this.#loop = loop;
    this.#client = client;
    this.#board = board;
  }

  /** The client is done with it. False when it was already, or when its process is dead. */
  end(): boolean {
    if (this.#isOver || !this.#client.alive) return false;
    this.#isOver = true;
    for (const run of this.#onEnd) run();
    return true;
  }

  send(
    address: string,
    request: {
      readonly method: string;
      readonly deliver: (listener: Listener, isCopy: boolean) => void;
      readonly fail: (error: DbError) => void;
    },
  ): void {
    const { network } = this.#board;
    const { method, deliver, fail } = request;
    this.#server = this.#board.machine(address);
    const line = `${method} ${this.#client.node}>${this.#server}`;
    const refused = () =>
      new DbError('unavailable', `dial tcp ${address}: connect: connection refused`);
    const arrive = (fate: Fate, isCopy: boolean): void => {
      if (fate.kind !== 'deliver') {
        this.#lost(fate, fail, refused);
        return;
      }
      this.#loop.schedule(fate.delayMs, () => {
        const listener = this.#board.find(address);
        this.#loop.note(`rpc ${line}${listener === undefined ? ' refused' : ''}`);
        if (listener !== undefined) deliver(listener, isCopy);
        else if (!isCopy)
          this.#back(() => {
            fail(refused());
          });
      });
    };
    arrive(network.fate(this.#client.node, this.#server), false);
    if (network.duplicates(this.#client.node, this.#server)) {
      arrive(network.fate(this.#client.node, this.#server), true);
    }
  }

  /** Begins handling at `listener`; `fail` is how the client learns that the connection broke. */
  serve(listener: Listener, deadlineMs: number, fail: (error: DbError) => void): ServerRun {
    const controller = new AbortController();
    const aborted = new Latch<undefined>();
    const abort = (error: DbError): void => {
      timer?.cancel();
      if (!listener.life.alive || controller.signal.aborted) return;
      listener.aborts.delete(controller);
      controller.abort(error);
    };
    controller.signal.addEventListener('abort', () => {
      aborted.open(undefined);
    });
    const timer: Timer | undefined =
      deadlineMs === Infinity
        ? undefined
        : this.#loop.schedule(deadlineMs, () => {
            abort(new DbError('timeout', 'the deadline of the request has passed'));
          });
    const broken = (isReset: boolean): void => {
      if (!isReset) return;
      this.#back(() => {
        fail(unknown(this.#server));
      });
    };
    listener.inFlight.add(broken);
    listener.aborts.add(controller);
    const unwatch = this.#watchClient(abort);
    let lastMs = 0;
    let isOpen = true;
    const send = (arrive: () => void): void => {
      if (!isOpen || !listener.life.alive) return;
      const fate = this.#board.network.fate(listener.life.node, this.#client.node);
      if (fate.kind !== 'deliver') {
        isOpen = false;
        this.#lost(fate, fail, () => unknown(this.#server));
        this.#loop.schedule(keepaliveMs, () => {
          abort(new DbError('cancelled', 'the caller is gone'));
        });
        return;
      }
      lastMs = Math.max(lastMs, this.#loop.nowMs + fate.delayMs);
      this.#loop.schedule(lastMs - this.#loop.nowMs, () => {
        if (this.#client.alive) arrive();
      });
    };
    return {
      signal: controller.signal,
      aborted: aborted.promise,
      push: send,
      reply: (arrive): void => {
        timer?.cancel();
        unwatch();
        listener.inFlight.delete(broken);
        listener.aborts.delete(controller);
        send(arrive);
      },
    };
  }

  /** The server learns that the client has left, or at the latest by keepalive that it is dead. */
  #watchClient(abort: (error: DbError) => void): () => void {
    let isTold = false;
    const tell = (): void => {
      if (isTold) return;
      isTold = true;
      const fate = this.#board.network.fate(this.#client.node, this.#server);
      const delayMs = fate.kind === 'deliver' ? fate.delayMs : keepaliveMs;
      this.#loop.schedule(delayMs, () => {
        abort(new DbError('cancelled', 'the caller is gone'));
      });
    };
    // A request may arrive after the life that sent it is over.
    if (this.#isOver || !this.#client.alive) tell();
    else this.#onEnd.push(tell);
    const watch = deathWatch(this.#client);
    watch.add(tell);
    return () => {
      watch.delete(tell);
      isTold = true;
    };
  }

  /** A message is gone: the client hears of a broken connection, or nothing until its deadline. */
  #lost(fate: Fate, fail: (error: DbError) => void, surely: () => DbError): void {
    const { random } = this.#board.network;
    if (!chance(random, fate.kind === 'blocked' ? 0.3 : 0.5)) return;
    // Of a lost request the client cannot know that it was lost, unless no connection came about.
    const error = fate.kind === 'blocked' ? surely() : unknown(this.#server);
    this.#loop.schedule(1 + 50 * fraction(random), () => {
      if (this.#client.alive) fail(error);
    });
  }

  /** A small message to the client, if the way is open. */
  #back(arrive: () => void): void {
    const fate = this.#board.network.fate(this.#server, this.#client.node);
    if (fate.kind !== 'deliver') return;
    this.#loop.schedule(fate.delayMs, () => {
      if (this.#client.alive) arrive();
    });
  }
}

/** What to do when a process dies, for its peers. Kept beside the life, which is plain data. */
const deathWatches = new WeakMap<Life, Set<() => void>>();

function deathWatch(life: Life): Set<() => void> {
  const watch = deathWatches.get(life) ?? new Set();
  deathWatches.set(life, watch);
  return watch;
}

/** Called once the life is over: peers that serve its requests get to know it. */
export function announceDeath(life: Life): void {
  for (const tell of deathWatch(life)) tell();
  deathWatches.delete(life);
}

/** The client's end of a stream. */
class Inbox {
  readonly #items: Uint8Array[] = [];
  #changed = new Latch<undefined>();
  #isEnded = false;
  #error: DbError | undefined;
  /** Sent and not yet consumed. */
  inFlight = 0;

  get changed(): Promise<undefined> {
    return this.#changed.promise;
  }

  push(item: Uint8Array): void {
    if (this.#isEnded) return;
    this.#items.push(item);
    this.#wake();
  }

  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** `now` drops what has arrived but was not read. */
  fail(error: DbError, now = false): void {
    if (this.#isEnded && !now) return;
    if (now) this.#items.length = 0;
    this.#error ??= error;
    this.end();
  }

  stop(): void {
    this.#items.length = 0;
    this.end();
  }

  async take(): Promise<Uint8Array | undefined> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.inFlight--;
        this.#wake();
        return item;
      }
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return undefined;
      await this.#changed.promise;
    }
  }

  #wake(): void {
    this.#changed.open(undefined);
    this.#changed = new Latch();
  }
}

function admit(
  { kind, requestBytesMax }: RpcAdmission,
  asked: RpcAdmission['kind'],
  request: Uint8Array,
): void {
  if (kind !== asked) throw new DbError('internal', `asked for a ${asked}, it is a ${kind}`);
  if (request.length > requestBytesMax) throw new DbError('too_large', 'the request is too long');
}

/** A handler that throws at once rejects, as one that throws later. */
async function invoke<T>(run: () => Promise<T>): Promise<T> {
  return run();
}

function timedOut(method: string, address: string): DbError {
  return new DbError('timeout', `${method} to ${address}: deadline exceeded`);
}

function cancelled(signal: AbortSignal | undefined): DbError {
  return new DbError('cancelled', 'request cancelled', { cause: signal?.reason });
}

function unknown(machine: string): DbError {
  return new DbError('outcome_unknown', `connection to ${machine} broke`);
}
