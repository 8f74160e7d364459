import type { OutgoingHttpHeaders } from 'node:http2';
import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type {
  ListenOptions,
  RpcHandlers,
  RpcListener,
  RpcOptions,
  RpcTransport,
} from '../../env/transport.ts';
import { ClientCall } from './client-call.ts';
import { timedOut, unreachable } from './dial-peer.ts';
import { noGarbage, type Garbage } from './garbage.ts';
import { listenGrpc } from './grpc-listener.ts';
import { MeetPeer } from './meet-peer.ts';
import type { Peer } from './peer.ts';
import type { SecureDialOf } from './secure-dial.ts';

const connectMs = 5_000;
/** How long the call of a method waits for a connection at most; undefined for as long as a connection may take. */
export type DialMsOf = (method: string) => number | undefined;
/** A deadline that does not fit the eight digits of a `grpc-timeout` is none. */
const timeoutMsMax = 99_999_999;

type Asked = { readonly method: string; readonly kind: 'call' | 'stream' };

/** RpcTransport over gRPC (decision 15): one connection to each peer, kept. */
export class GrpcTransport implements RpcTransport {
  readonly #clock: Clock;
  readonly #garbage: Garbage;
  readonly #peers = new Map<string, MeetPeer>();
  readonly #secureDial: SecureDialOf;
  readonly #dialMs: DialMsOf;

  constructor({
    clock,
    garbage = noGarbage,
    secureDial = () => undefined,
    dialMs = () => undefined,
  }: {
    readonly clock: Clock;
    readonly garbage?: Garbage;
    readonly secureDial?: SecureDialOf | undefined;
    readonly dialMs?: DialMsOf | undefined;
  }) {
    this.#clock = clock;
    this.#secureDial = secureDial;
    this.#dialMs = dialMs;
    this.#garbage = garbage;
  }

  listen(
    address: string,
    handlers: RpcHandlers,
    options: ListenOptions = {},
  ): Promise<RpcListener> {
    return listenGrpc(address, handlers, {
      ...options,
      clock: this.#clock,
      garbage: this.#garbage,
    });
  }

  async call(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Uint8Array> {
    const exchange = await this.#begin(address, { method, kind: 'call' }, request, options);
    try {
      // What is still to come are trailers, which say that all is well.
      const reply = await exchange.call.next();
      if (reply !== undefined) return reply;
    } finally {
      exchange.settle();
    }
    throw new DbError('outcome_unknown', `${address}: the answer has no message`);
  }

  async *stream(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): AsyncGenerator<Uint8Array, undefined> {
    const exchange = await this.#begin(address, { method, kind: 'stream' }, request, options);
    const { call, ending } = exchange;
    try {
      for (;;) {
        const reply = await call.next();
        if (reply === undefined) return undefined;
        ending.pause();
        yield reply;
        ending.resume();
      }
    } finally {
      exchange.settle();
    }
  }

  async close(): Promise<void> {
    for (const peer of this.#peers.values()) peer.close();
    this.#peers.clear();
    return Promise.resolve();
  }

  async #begin(
    address: string,
    asked: Asked,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Exchange> {
    const { deadlineMs, signal, onSent } = options;
    throwIfCancelled(signal);
    const known = this.#peers.get(address)?.usable;
    const peer =
      known ?? (await this.#metInTime(address, asked.method, Math.min(deadlineMs, connectMs)));
    // A signal that has aborted meanwhile says so to nobody who listens from now on.
    throwIfCancelled(signal);
    const headers = headersOf(address, asked, options);
    const call = new ClientCall(address, request, onSent);
    const leavePlace = peer.places.enter(() => {
      peer.start(call, headers);
    });
    const ending = new Ending(call, this.#clock, { deadlineMs, signal });
    const settle = (): void => {
      ending.settle();
      leavePlace();
      peer.resets.add(call);
    };
    return { call, ending, settle };
  }

  /** The connection goes on to be made for those who wait longer. */
  #metInTime(address: string, method: string, waitMs: number): Promise<Peer> {
    const met = this.#met(address, method, waitMs);
    const dialMs = this.#dialMs(method);
    if (dialMs === undefined || dialMs >= waitMs) return met;
    return new Promise((resolve, reject) => {
      const timer = this.#clock.after(dialMs, () => {
        reject(unreachable(address, timedOut));
      });
      void met.then(resolve, reject).finally(() => {
        timer.cancel();
      });
    });
  }

  #met(address: string, method: string, waitMs: number): Promise<Peer> {
    const known = this.#peers.get(address);
    if (known?.isMeeting === true) return known.met();
    const options = { clock: this.#clock, garbage: this.#garbage, connectMs: waitMs, secure: this.#secureDial(method) }; // prettier-ignore
    const meeting = new MeetPeer(address, options);
    this.#peers.set(address, meeting);
    return meeting.met();
  }
}

interface Exchange {
  readonly call: ClientCall;
  readonly ending: Ending;
  /** Lets go of all that it has. */
  readonly settle: () => void;
}

function headersOf(
  address: string,
  { method, kind }: Asked,
  { deadlineMs, metadata }: RpcOptions,
): OutgoingHttpHeaders {
  // Of a stream the deadline is that of a silence, which is this side's to notice.
  const hasTimeout = kind === 'call' && deadlineMs <= timeoutMsMax;
  return {
    ...metadata,
    ':method': 'POST',
    ':path': method,
    ':authority': address,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...(hasTimeout && { 'grpc-timeout': `${Math.max(1, Math.ceil(deadlineMs))}m` }),
  };
}

/**
 * Ends the reading of replies at the deadline or the signal. The deadline is that of each silence: one timer looks every so
 * often how long it has lasted, so that a reply costs none.
 */
class Ending {
  readonly #call: ClientCall;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#call.leave(cancelled());
  };
  #timer: { cancel(): void } | undefined;
  /** Undefined while the asker has a reply in hand. */
  #silentSinceMs: number | undefined;

  constructor(call: ClientCall, clock: Clock, { deadlineMs, signal }: RpcOptions) {
    this.#call = call;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.resume();
    this.#lookAfter(deadlineMs);
  }

  pause(): void {
    this.#silentSinceMs = undefined;
  }

  resume(): void {
    this.#silentSinceMs = this.#clock.monotonicMs();
  }

  /** Lets go of timer, signal and what still comes. */
  settle(): void {
    this.#timer?.cancel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#call.leave(undefined);
  }

  #lookAfter(delayMs: number): void {
    this.#timer = this.#clock.after(delayMs, () => {
      const nowMs = this.#clock.monotonicMs();
      const leftMs = this.#deadlineMs - (nowMs - (this.#silentSinceMs ?? nowMs));
      if (leftMs > 0) this.#lookAfter(leftMs);
      else this.#call.leave(new DbError('timeout', 'the call took longer than its deadline'));
    });
  }
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): DbError {
  return new DbError('cancelled', 'the call was cancelled');
}
