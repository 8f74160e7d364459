/** One request of a simulated transport, from its client's first word to the last that reaches it. */
import { Latch } from '../../../src/base/async/latch.ts';
import { DbError } from '../../../src/base/errors.ts';
import type { Timer } from '../../../src/env/clock.ts';
import { fraction } from '../../../src/env/random.ts';
import type { Life, Loop } from './loop.ts';
import { chance, type Fate } from './sim-network.ts';
import type { Listener, SimSwitchboard } from './sim-switchboard.ts';

/** After this a server notices that a silent caller is gone. */
const keepaliveMs = 15_000;
/** After this a client that pings its server gives up a connection on which nothing comes. */
const unansweredMs = 10_000;

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
export class Exchange {
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
      if (isReset)
        this.#back(() => {
          fail(unknown(this.#server));
        });
      else this.#giveUp(fail);
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

  /** A message is gone: the client hears of a broken connection, or nothing until it gives up. */
  #lost(fate: Fate, fail: (error: DbError) => void, surely: () => DbError): void {
    const { random } = this.#board.network;
    if (!chance(random, fate.kind === 'blocked' ? 0.3 : 0.5)) {
      this.#giveUp(fail);
      return;
    }
    // Of a lost request the client cannot know that it was lost, unless no connection came about.
    const error = fate.kind === 'blocked' ? surely() : unknown(this.#server);
    this.#loop.schedule(1 + 50 * fraction(random), () => {
      if (this.#client.alive) fail(error);
    });
  }

  /** Nothing comes any more, and nothing says so. */
  #giveUp(fail: (error: DbError) => void): void {
    this.#loop.schedule(unansweredMs, () => {
      if (!this.#isOver && this.#client.alive) fail(unknown(this.#server));
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

function unknown(machine: string): DbError {
  return new DbError('outcome_unknown', `connection to ${machine} broke`);
}
