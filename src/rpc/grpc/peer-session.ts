/**
 * One HTTP/2 connection to a peer of any kind, as Node speaks it.
 * - It is pinged while calls are under way; a peer that is silent is given up, and with it the calls.
 * - A session that has ended is never used again: the next call makes a new one at once.
 */
import { connect, constants, type ClientHttp2Session, type ClientHttp2Stream, type OutgoingHttpHeaders } from 'node:http2'; // prettier-ignore
import { DbError } from '../../base/errors.ts';
import type { Timer } from '../../env/clock.ts';
import type { ClientCall } from './client-call.ts';
import { dial, refused, timedOut, unreachable } from './dial-peer.ts';
import type { Garbage } from './garbage.ts';
import { Http2Wire } from './http2-wire.ts';
import { PacedResets } from './paced-resets.ts';
import type { Peer, PeerOptions } from './peer.ts';
import { callsMax, StreamPlaces } from './stream-places.ts';
import { answerWindowBytes, connectionWindowBytes } from './windows.ts';

const pingMs = 5_000;
/** In megabytes; the streams' windows bound what it holds. */
const sessionMemoryMax = 4_096;

export class PeerSession implements Peer {
  readonly resets: PacedResets;
  readonly places = new StreamPlaces(callsMax);
  readonly #session: ClientHttp2Session;
  readonly #connected: Promise<void>;
  readonly #pinger: Timer;
  #callCount = 0;
  #isSilent = false;
  /** Why the peer takes no call of this connection. */
  #refusal: DbError | undefined;

  readonly #garbage: Garbage;

  constructor(address: string, { clock, garbage, connectMs, secure }: PeerOptions) {
    this.#garbage = garbage;
    this.resets = new PacedResets(clock);
    const socket = dial(address, secure);
    // Each call names whom it is for; an address that somebody has typed need be no part of a URL.
    this.#session = connect(secure === undefined ? 'http://peer' : 'https://peer', {
      createConnection: () => socket,
      maxSessionMemory: sessionMemoryMax,
      settings: { enablePush: false, initialWindowSize: answerWindowBytes },
    });
    this.#connected = new Promise((resolve, reject) => {
      const fail = (error: Error): void => {
        reject(unreachable(address, error));
      };
      const timer = clock.after(connectMs, () => {
        socket.destroy(timedOut);
      });
      this.#session.once('connect', () => {
        timer.cancel();
        this.#session.setLocalWindowSize(connectionWindowBytes);
        resolve();
      });
      this.#session.once('close', () => {
        timer.cancel();
        this.#pinger.cancel();
        this.resets.close();
        fail(refused);
      });
      this.#session.on('error', fail);
    });
    this.#session.on('goaway', (code: number) => {
      if (code !== constants.NGHTTP2_INADEQUATE_SECURITY) return;
      this.#refusal = new DbError('unavailable', `${address}: speaks TLS only, and is called without`); // prettier-ignore
    });
    this.#connected.catch(() => undefined);
    this.#pinger = clock.every(pingMs, () => {
      this.#ping();
    });
  }

  /** Whether a call may be made with it. */
  get isUsable(): boolean {
    return !this.#session.closed && !this.#session.destroyed;
  }

  /** Rejects with `unavailable` when there is nobody. */
  connected(): Promise<void> {
    return this.#connected;
  }

  /** Sends a call that has its place among the streams; it fails with `unavailable` when the connection has ended. */
  start(call: ClientCall, headers: OutgoingHttpHeaders): void {
    let stream: ClientHttp2Stream;
    try {
      stream = this.#session.request(headers);
    } catch (error) {
      // Also when it has used up its streams' numbers: the next call makes a new one.
      this.#session.close();
      // All that wait fail likewise, one after the other.
      queueMicrotask(() => {
        this.places.release();
      });
      call.fail(new DbError('unavailable', 'the connection has just ended', { cause: error }));
      return;
    }
    this.#callCount++;
    stream.once('close', () => {
      this.#callCount--;
      this.places.release();
      if (this.#refusal !== undefined) call.fail(this.#refusal);
    });
    call.begin(new Http2Wire(call, stream, this.#garbage));
  }

  close(): void {
    this.#session.destroy();
  }

  #ping(): void {
    if (!this.isUsable || this.#callCount === 0) return;
    if (this.#isSilent) {
      this.#session.destroy();
      return;
    }
    this.#isSilent = true;
    this.#session.ping(() => {
      this.#isSilent = false;
    });
  }
}
