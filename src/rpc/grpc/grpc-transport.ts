import {
  Client,
  connectivityState,
  credentials,
  Metadata,
  status,
  type ClientDuplexStream,
} from '@grpc/grpc-js';
import { DbError, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { RpcHandlers, RpcListener, RpcOptions, RpcTransport } from '../../env/transport.ts';
import { exchange, kindKey, methodKey } from './exchange.ts';
import { messageFrames } from './frames.ts';
import { listenGrpc } from './grpc-listener.ts';
import { PacedResets } from './paced-resets.ts';
import { ReplyReader } from './reply-reader.ts';

const connectMs = 5_000;

/** A peer that is silent is given up after both; a connection attempt that failed is made anew by the next call. */
const channelOptions = {
  'grpc.keepalive_time_ms': 5_000,
  'grpc.keepalive_timeout_ms': 5_000,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.min_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 1_000,
  'grpc.enable_retries': 0,
} as const;

type Duplex = ClientDuplexStream<Buffer, Buffer>;
type Asked = { readonly method: string; readonly kind: 'call' | 'stream' };

/** RpcTransport over gRPC (decision D8): one connection to each peer, kept. */
export class GrpcTransport implements RpcTransport {
  readonly #clock: Clock;
  readonly #clients = new Map<string, Client>();
  readonly #resets = new Map<string, PacedResets>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  listen(address: string, handlers: RpcHandlers): Promise<RpcListener> {
    return listenGrpc(address, handlers);
  }

  async call(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): Promise<Uint8Array> {
    const asked = { method, kind: 'call' } as const;
    let reply: Uint8Array | undefined;
    // Read to its end: leaving at the first reply would reset the stream.
    for await (const message of this.#exchange(address, asked, request, options)) reply ??= message;
    if (reply !== undefined) return reply;
    throw new DbError('outcome_unknown', `${address}: the connection broke before the reply`);
  }

  stream(
    address: string,
    method: string,
    request: Uint8Array,
    options: RpcOptions,
  ): AsyncIterable<Uint8Array> {
    return this.#exchange(address, { method, kind: 'stream' }, request, options);
  }

  async close(): Promise<void> {
    for (const client of this.#clients.values()) client.close();
    this.#clients.clear();
    for (const resets of this.#resets.values()) resets.close();
    this.#resets.clear();
    return Promise.resolve();
  }

  async *#exchange(
    address: string,
    asked: Asked,
    request: Uint8Array,
    { deadlineMs, signal }: RpcOptions,
  ): AsyncGenerator<Uint8Array, undefined> {
    throwIfCancelled(signal);
    const client = await this.#connected(address, Math.min(deadlineMs, connectMs));
    // A signal that has aborted meanwhile says so to nobody who listens from now on.
    throwIfCancelled(signal);
    const call = openCall(client, asked);
    const replies = new ReplyReader(call);
    const end = new Ending(replies, this.#clock, { deadlineMs, signal });
    try {
      for (const frame of messageFrames(request)) call.write(frame);
      call.end();
      for (;;) {
        const reply = await replies.next();
        if (reply === undefined) return undefined;
        end.pause();
        yield reply;
        end.resume();
      }
    } catch (error) {
      if (isDbError(error)) throw error;
      throw brokenError(address, error);
    } finally {
      end.settle();
      this.#resetsOf(address).add(replies);
    }
  }

  #resetsOf(address: string): PacedResets {
    const resets = this.#resets.get(address) ?? new PacedResets(this.#clock);
    this.#resets.set(address, resets);
    return resets;
  }

  /** A client with a connection. Throws `unavailable` at once when there is nobody. */
  async #connected(address: string, waitMs: number): Promise<Client> {
    const known = this.#clients.get(address);
    const client = known ?? new Client(address, credentials.createInsecure(), channelOptions);
    this.#clients.set(address, client);
    const channel = client.getChannel();
    const giveUpMs = this.#clock.monotonicMs() + waitMs;
    for (;;) {
      const state = channel.getConnectivityState(true);
      if (state === connectivityState.READY) return client;
      const isDead =
        state === connectivityState.TRANSIENT_FAILURE || state === connectivityState.SHUTDOWN;
      if (isDead || this.#clock.monotonicMs() >= giveUpMs) {
        // A new client tries anew without a wait.
        if (this.#clients.get(address) === client) this.#clients.delete(address);
        client.close();
        throw new DbError('unavailable', `dial tcp ${address}: connect: connection refused`);
      }
      await new Promise<void>((resolve) => {
        const wallMs = Number(this.#clock.wallNs() / 1_000_000n);
        channel.watchConnectivityState(state, new Date(wallMs + waitMs), () => {
          resolve();
        });
      });
    }
  }
}

function openCall(client: Client, { method, kind }: Asked): Duplex {
  const metadata = new Metadata();
  metadata.set(methodKey, method);
  metadata.set(kindKey, kind);
  const { path, requestSerialize, responseDeserialize } = exchange;
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata);
}

/** Ends the reading of replies at the deadline or the signal. */
class Ending {
  readonly #replies: ReplyReader;
  readonly #clock: Clock;
  readonly #deadlineMs: number;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = (): void => {
    this.#replies.leave(cancelled());
  };
  #timer: { cancel(): void } | undefined;

  constructor(replies: ReplyReader, clock: Clock, { deadlineMs, signal }: RpcOptions) {
    this.#replies = replies;
    this.#clock = clock;
    this.#deadlineMs = deadlineMs;
    this.#signal = signal;
    signal?.addEventListener('abort', this.#onAbort, { once: true });
    this.resume();
  }

  pause(): void {
    this.#timer?.cancel();
  }

  resume(): void {
    this.#timer = this.#clock.after(this.#deadlineMs, () => {
      this.#replies.leave(new DbError('timeout', 'the call took longer than its deadline'));
    });
  }

  /** Lets go of timer, signal and what still comes. */
  settle(): void {
    this.#timer?.cancel();
    this.#signal?.removeEventListener('abort', this.#onAbort);
    this.#replies.leave(undefined);
  }
}

function throwIfCancelled(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true) throw cancelled();
}

function cancelled(): DbError {
  return new DbError('cancelled', 'the call was cancelled');
}

function brokenError(address: string, error: unknown): DbError {
  const { code, details } = error as { readonly code?: number; readonly details?: string };
  const reason = details ?? 'the connection broke';
  // The two that say for sure that no handler was reached.
  const isRefused = code === status.UNAVAILABLE && reason === 'Stream refused by server';
  if (isRefused || code === status.UNIMPLEMENTED)
    return new DbError('unavailable', `${address}: ${reason}`);
  return new DbError('outcome_unknown', `${address}: ${reason}`, { cause: error });
}
