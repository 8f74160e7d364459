/**
 * A connection whose plain queries are read and answered without Node's HTTP.
 *
 * Invariants:
 * - Requests are answered in order, one at a time: what comes meanwhile waits, and no more is read.
 * - A request that is not plain, or that nobody here answers, goes to Node's server as it came, and the connection stays there:
 *   nothing of it has run then.
 * - A query ends when its client has gone; what has begun ends once, however it ends.
 */
import { Buffer } from 'node:buffer';
import { Latch } from '../../../base/async/latch.ts';
import type { Clock } from '../../../env/clock.ts';
import type { RawSocket, RawUser } from '../../../env/raw-sockets.ts';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import { readQueryHead, type PlainHead } from './plain-head.ts';

/** A query that is answered. */
export interface OpenQuery {
  readonly started: StartedAnswer;
  /** Of an answer of so many bytes, of unknown length where undefined. */
  head(lengthBytes: number | undefined): string;
  /** Once; bytes that were sent, with the head. */
  end(sentBytes: number): void;
}

export interface QueryConnectionParts {
  /** Shared by all connections: what is read there is looked at before anything else is. */
  readonly scratch: Uint8Array;
  /** Undefined where Node's server is to answer. The signal tells that the client has gone. Rejects as no answer may. */
  readonly answer: (head: PlainHead, ip: string, signal: AbortSignal) => Promise<OpenQuery | undefined>; // prettier-ignore
  readonly clock: Pick<Clock, 'after'>;
  /** A client that has not taken its answer by then is left, as the query would be; 0 is no limit. */
  readonly timeoutMs: number;
  readonly isClosing: () => boolean;
  readonly handOver: (socket: RawSocket, bytes: Uint8Array) => void;
  readonly onClosed: () => void;
}

/** Of what a client may send ahead of answers. */
const earlyBytesMax = 65_536;
/** A body that is sent together with its head. */
const joinedBytesMax = 65_536;
const nothing = Buffer.alloc(0);
const lastChunk = '0\r\n\r\n';

export class QueryConnection implements RawUser {
  readonly #parts: QueryConnectionParts;
  readonly #ip: string;
  #socket: RawSocket | undefined;
  #state: 'idle' | 'busy' | 'over' = 'idle';
  #head: PlainHead | undefined;
  #gone: AbortController | undefined;
  /** What came while a request was under way. */
  #early: Buffer = nothing;
  #hasEnded = false;
  /** Open once the client has taken what waits for it. */
  #drained: Latch<undefined> | undefined;
  #stepCount = 0;

  constructor(parts: QueryConnectionParts, ip: string) {
    this.#parts = parts;
    this.#ip = ip;
  }

  /** Begins with what was read of it already. */
  start(socket: RawSocket, first: Buffer): void {
    this.#socket = socket;
    this.#begin(first);
  }

  get isIdle(): boolean {
    return this.#state === 'idle';
  }

  /** Whether something waits for the client to take it. */
  get isWaiting(): boolean {
    return this.#drained !== undefined;
  }

  /** Grows as long as the client does its part. */
  get progress(): number {
    return this.#state === 'busy' ? Number.NaN : this.#stepCount;
  }

  /** The same of a client that has something to take. */
  get takingProgress(): number {
    return this.isWaiting ? this.#stepCount : Number.NaN;
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  room(): Uint8Array {
    return this.#parts.scratch;
  }

  took(lengthBytes: number): boolean {
    const bytes = Buffer.from(this.#parts.scratch.subarray(0, lengthBytes));
    if (this.#state === 'idle') this.#begin(bytes);
    else this.#early = this.#early.length === 0 ? bytes : Buffer.concat([this.#early, bytes]);
    return this.#early.length < earlyBytesMax;
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#state === 'idle') this.#close();
  }

  closed(): void {
    this.#state = 'over';
    this.#gone?.abort(new Error('query aborted'));
    this.#drained?.open(undefined);
    this.#parts.onClosed();
  }

  /** The client has taken what was sent to it. */
  drained(): void {
    this.#stepCount++;
    this.#drained?.open(undefined);
    this.#drained = undefined;
  }

  #begin(bytes: Buffer): void {
    const head = this.#parts.isClosing() ? undefined : readQueryHead(bytes, this.#head);
    if (head === undefined) {
      this.#handOver(bytes);
      return;
    }
    this.#head = head;
    this.#state = 'busy';
    this.#stepCount++;
    if (bytes.length > head.text.length) this.#early = bytes.subarray(head.text.length);
    this.#answer(head).catch(() => {
      this.destroy();
    });
  }

  async #answer(head: PlainHead): Promise<void> {
    const gone = new AbortController();
    this.#gone = gone;
    const open = await this.#parts.answer(head, this.#ip, gone.signal);
    if (open === undefined) {
      this.#handOver(Buffer.from(head.text, 'latin1'));
      return;
    }
    const sent = { bytes: 0 };
    const { clock, timeoutMs } = this.#parts;
    const isSmall = open.started.kind === 'whole' && open.started.bytes.length <= joinedBytesMax;
    const end = (): void => {
      if (this.isWaiting) this.destroy();
    };
    const timer = timeoutMs === 0 || isSmall ? undefined : clock.after(timeoutMs, end);
    try {
      await this.#send(open, sent);
    } finally {
      timer?.cancel();
      open.end(sent.bytes);
    }
    this.#gone = undefined;
    if (this.#state !== 'busy') return;
    if (this.#parts.isClosing()) this.#close();
    else this.#next();
  }

  async #send(
    { started, head }: Pick<OpenQuery, 'started' | 'head'>,
    sent: { bytes: number },
  ): Promise<void> {
    const write = async (bytes: Buffer): Promise<void> => {
      sent.bytes += bytes.length;
      await this.#write(bytes);
    };
    if (started.kind === 'whole') {
      const { bytes } = started;
      const text = Buffer.from(head(bytes.length), 'latin1');
      if (bytes.length <= joinedBytesMax) return write(Buffer.concat([text, bytes]));
      await write(text);
      return write(bytes);
    }
    const { taken, parts } = started;
    try {
      await write(Buffer.from(head(undefined), 'latin1'));
      for (const part of taken) await write(chunkOf(part));
      for (
        let next = await parts.next();
        next.done !== true && this.#state !== 'over';
        next = await parts.next()
      )
        // prettier-ignore
        await write(chunkOf(next.value));
      await write(Buffer.from(lastChunk, 'latin1'));
    } finally {
      await parts.return(undefined);
    }
  }

  /** Resolves once there is room for more, or nobody to take it. */
  async #write(bytes: Uint8Array): Promise<void> {
    if (this.#state === 'over' || this.#socket?.write(bytes) !== false) return;
    this.#drained ??= new Latch();
    await this.#drained.promise;
  }

  #handOver(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (this.#state === 'over' || socket === undefined) return;
    this.#state = 'over';
    this.#gone = undefined;
    const whole = this.#early.length === 0 ? bytes : Buffer.concat([bytes, this.#early]);
    this.#early = nothing;
    this.#parts.handOver(socket, whole);
  }

  /** After an answer. */
  #next(): void {
    this.#state = 'idle';
    const early = this.#early;
    this.#early = nothing;
    if (early.length > 0) this.#begin(early);
    if (this.#hasEnded && this.isIdle) this.#close();
    else if (early.length >= earlyBytesMax) this.#socket?.resume();
  }

  #close(): void {
    this.#state = 'over';
    this.#socket?.end();
  }
}

function chunkOf(part: Buffer): Buffer {
  if (part.length === 0) return nothing;
  return Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`, 'latin1'), part, chunkEnd]);
}

const chunkEnd = Buffer.from('\r\n', 'latin1');
