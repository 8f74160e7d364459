import { InvariantError } from '../../../src/base/assert.ts';
import { Latch } from '../../../src/base/async/latch.ts';
import { DbError } from '../../../src/base/errors.ts';
import { marshalError, unmarshalError } from '../../../src/env/node/engine/engine-protocol.ts';
import type {
  RpcAdmission,
  RpcHandlers,
  RpcListener,
  RpcMetadata,
  RpcOptions,
  RpcTransport,
} from '../../../src/env/transport.ts';
import type { Life, Loop } from './loop.ts';
import { Exchange } from './sim-exchange.ts';
import { Inbox } from './sim-inbox.ts';
import type { Listener, SimSwitchboard } from './sim-switchboard.ts';

/** How far a stream runs ahead of its reader. */
const streamWindow = 8;

/** What a handler finds that has kept a request which was lent to it. */
const usedAgain = 0xdb;

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
    const { deadlineMs, signal, metadata = {}, onSent } = options;
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
    // Nobody looks at what the caller has any more: it may be anything.
    onSent?.();
    const deliver = (listener: Listener, isCopy: boolean): void => {
      const run = exchange.serve(listener, deadlineMs, isCopy ? () => undefined : fail);
      const { handlers } = listener;
      invoke(() => {
        const { isLent } = admit(handlers.admit(method, metadata), 'call', bytes);
        const served = bytes.slice();
        const answered = handlers.call(method, served, { signal: run.signal });
        return isLent === true ? answered.finally(() => served.fill(usedAgain)) : answered;
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

function admit(
  admission: RpcAdmission,
  asked: RpcAdmission['kind'],
  request: Uint8Array,
): RpcAdmission {
  const { kind, requestBytesMax } = admission;
  if (kind !== asked) throw new DbError('internal', `asked for a ${asked}, it is a ${kind}`);
  if (request.length > requestBytesMax) throw new DbError('too_large', 'the request is too long');
  return admission;
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
