/**
 * A connection to a node that speaks frames as this one does (decision 93).
 * - It is pinged while calls are under way; a peer that is silent is given up, and with it the calls.
 * - A connection that has ended is never used again: the next call makes a new one at once.
 */
import type { Buffer } from 'node:buffer';
import type { OutgoingHttpHeaders } from 'node:http2';
import type { Socket } from 'node:net';
import { DbError } from '../../../base/errors.ts';
import type { Timer } from '../../../env/clock.ts';
import type { CallWire } from '../call-wire.ts';
import type { ClientCall } from '../client-call.ts';
import { dial, refused, timedOut, unreachable } from '../dial-peer.ts';
import { prefixed } from '../length-prefixed.ts';
import { PacedResets } from '../paced-resets.ts';
import type { Peer, PeerOptions } from '../peer.ts';
import { trailersError } from '../status.ts';
import { callsMax, StreamPlaces } from '../stream-places.ts';
import { answerWindowBytes } from '../windows.ts';
import { FramedConnection, framedSetting, framedVersion } from './framed-connection.ts';
import type { FramedStream, StreamReader } from './framed-stream.ts';
import { clientPreface, streamCodes } from './frames.ts';
import { decodeHeaders, encodeHeaders, type Headers } from './header-block.ts';
import { okBlock, replyBlock } from './reply-blocks.ts';

const pingMs = 5_000;
/** Blocks of headers that are kept; past so many all are made anew. */
const blocksMax = 256;

/** What a peer has said of itself so far. */
interface Heard {
  hasHeard: boolean;
  isFramed: boolean | undefined;
  /** It speaks TLS only. */
  isRefused: boolean;
}

export class FramedPeer implements Peer {
  readonly resets: PacedResets;
  readonly places = new StreamPlaces(callsMax);
  readonly #socket: Socket;
  readonly #connection: FramedConnection;
  readonly #met: Promise<boolean>;
  readonly #pinger: Timer;
  readonly #blocks = new Map<string, Buffer>();
  #isSilent = false;
  #isRefusing = false;

  /** Throws `unavailable` for what is no address. */
  constructor(address: string, { clock, garbage, connectMs, secure }: PeerOptions) {
    this.resets = new PacedResets(clock);
    this.#socket = dial(address, secure);
    const heard: Heard = { hasHeard: false, isFramed: undefined, isRefused: false };
    this.#connection = new FramedConnection(this.#socket, {
      side: 'client',
      garbage,
      streamWindowBytes: answerWindowBytes,
      streamsMax: 0,
      opened: () => undefined,
      settings: (settings) => {
        heard.isFramed = settings.get(framedSetting) === framedVersion;
      },
      reset: () => undefined,
      goaway: (streamCode) => {
        this.#isRefusing = true;
        heard.isRefused = streamCode === streamCodes.security;
      },
      pong: () => undefined,
    });
    this.#met = this.#meet(address, heard, { clock, connectMs });
    this.#met.catch(() => undefined);
    this.#pinger = clock.every(pingMs, () => {
      this.#ping();
    });
    this.#connection.begin(clientPreface);
  }

  get isUsable(): boolean {
    return !this.#connection.isOver && !this.#isRefusing && this.#connection.hasNumbers;
  }

  /** Whether the peer speaks frames as this end does; one that does not is left. Rejects with `unavailable` when there is nobody. */
  met(): Promise<boolean> {
    return this.#met;
  }

  #meet(
    address: string,
    heard: Heard,
    { clock, connectMs }: Pick<PeerOptions, 'clock' | 'connectMs'>,
  ): Promise<boolean> {
    const socket = this.#socket;
    return new Promise((resolve, reject) => {
      const timer = clock.after(connectMs, () => {
        socket.destroy(timedOut);
      });
      socket.on('data', (part: Buffer) => {
        // Behind a long answer that of a ping may be long in coming.
        this.#isSilent = false;
        this.#connection.take(part);
        if (heard.hasHeard) return;
        heard.hasHeard = heard.isFramed !== undefined;
        if (heard.isRefused) reject(new DbError('unavailable', `${address}: speaks TLS only, and is called without`)); // prettier-ignore
        if (heard.isFramed !== undefined) resolve(heard.isFramed);
        if (heard.isFramed === true) timer.cancel();
        else if (heard.isFramed === false || this.#connection.isOver) socket.destroy();
      });
      socket.on('error', (error) => {
        reject(unreachable(address, error));
      });
      socket.once('close', () => {
        timer.cancel();
        this.#pinger.cancel();
        this.resets.close();
        // Whatever it said, it was something else.
        if (socket.bytesRead > 0) resolve(false);
        else reject(unreachable(address, refused));
      });
    });
  }

  start(call: ClientCall, headers: OutgoingHttpHeaders): void {
    if (!this.isUsable) {
      // All that wait fail likewise, one after the other.
      queueMicrotask(() => {
        this.places.release();
      });
      call.fail(new DbError('unavailable', 'the connection has just ended'));
      return;
    }
    const connection = this.#connection;
    const wire = new FramedWire(connection, call, this.places);
    const stream = connection.open(wire);
    call.begin(wire);
    connection.headers(stream, this.#blockOf(headers as Headers));
    const { onSent } = call;
    const parts = prefixed(call.request);
    connection.send(stream, parts.map((bytes, i) => ({ bytes, onSent: i === parts.length - 1 ? onSent : undefined })), 'end'); // prettier-ignore
  }

  close(): void {
    this.#connection.close(streamCodes.none);
    // A peer that has stopped would never close its side.
    this.#socket.destroySoon();
  }

  #blockOf(headers: Headers): Buffer {
    let key = '';
    for (const name in headers) key += `${name}\n${headers[name]}\n`;
    const known = this.#blocks.get(key);
    if (known !== undefined) return known;
    const block = encodeHeaders(headers);
    if (this.#blocks.size >= blocksMax) this.#blocks.clear();
    this.#blocks.set(key, block);
    return block;
  }

  #ping(): void {
    if (this.#connection.isOver) return;
    if (this.#connection.streamCount === 0) {
      // Another stands for it; the calls that it had are over.
      if (!this.isUsable) this.close();
      return;
    }
    if (this.#isSilent) {
      this.#socket.destroy();
      return;
    }
    this.#isSilent = true;
    this.#connection.ping();
  }
}

/** A call on a stream of frames. */
class FramedWire implements StreamReader, CallWire {
  readonly #connection: FramedConnection;
  readonly #call: ClientCall;
  readonly #places: StreamPlaces;
  #stream: FramedStream | undefined;
  #hasHeaders = false;

  constructor(connection: FramedConnection, call: ClientCall, places: StreamPlaces) {
    this.#connection = connection;
    this.#call = call;
    this.#places = places;
  }

  opened(stream: FramedStream): void {
    this.#stream = stream;
  }

  headers(block: Buffer, isEnd: boolean): void {
    const isFirst = !this.#hasHeaders;
    this.#hasHeaders = true;
    if (!isEnd && isFirst && block.equals(replyBlock)) return;
    if (isEnd && block.equals(okBlock)) {
      this.#call.end(undefined);
      return;
    }
    const headers = decodeHeaders(block);
    if (isFirst && headers[':status'] !== '200') this.#call.end(this.#call.notGrpc(headers[':status'])); // prettier-ignore
    if (isEnd) this.#call.end(trailersError(headers));
  }

  data(part: Buffer, isEnd: boolean): void {
    if (part.length > 0) this.#call.took(part);
    if (isEnd) this.#call.end(trailersError({}));
  }

  closed(streamCode: number | undefined): void {
    this.#places.release();
    // An error is dear to make, and most calls have their answer by now.
    if (this.#call.isOver) return;
    const isTaken = streamCode !== streamCodes.refused;
    this.#call.end(isTaken ? this.#call.broken() : this.#call.notTaken());
  }

  get hasEnded(): boolean {
    return this.#stream?.isClosed !== false;
  }

  pause(): void {
    if (this.#stream !== undefined) this.#connection.hold(this.#stream);
  }

  resume(): void {
    if (this.#stream !== undefined) this.#connection.release(this.#stream);
  }

  reset(): void {
    if (this.#stream === undefined || this.#stream.isClosed) return;
    this.#connection.reset(this.#stream, streamCodes.cancel);
    this.closed(streamCodes.cancel);
  }
}
