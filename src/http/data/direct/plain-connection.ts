/**
 * A connection whose plain requests are read and answered without Node's HTTP.
 *
 * Invariants:
 * - Requests are answered in order, one at a time: what comes meanwhile waits. Behind a write no more is read then; behind a
 *   query a little, so that one whose client leaves is known to be nobody's.
 * - A request that is not plain, or that nobody here answers, goes to Node's server as it came, and the connection stays
 *   there: nothing of it has run then.
 */
import { Buffer } from 'node:buffer';
import { must } from '../../../base/assert.ts';
import type { RawSocket, RawUser } from '../../../env/raw-sockets.ts';
import type { Timer } from '../../../env/clock.ts';
import type { IdleWatch } from '../requests/idle-watch.ts';
import type { OpenWrite, Turn } from './exchange.ts';
import type { KnownHeads, PlainHead } from './plain-head.ts';
import { QueryExchange, type QueryExchangeParts } from './query-exchange.ts';
import { WriteExchange, type WriteExchangeParts } from './write-exchange.ts';

export interface PlainConnectionParts extends WriteExchangeParts, QueryExchangeParts {
  /** Shared by all connections: what is read there is looked at before anything else is. */
  readonly scratch: Buffer;
  readonly heads: KnownHeads;
  /** Undefined for those that are to wait, or to be refused. */
  readonly open: (head: PlainHead, ip: string) => OpenWrite | undefined | Promise<OpenWrite | undefined>; // prettier-ignore
  /** Clients that have closed their sending side, and may have left. */
  readonly halfOpen: IdleWatch;
  readonly isClosing: () => boolean;
  readonly handOver: (socket: RawSocket, bytes: Uint8Array) => void;
  readonly onClosed: () => void;
}

/** Of what a client may send ahead of the answer to a query. */
const earlyBytesMax = 65_536;
const nothing = Buffer.alloc(0);

export class PlainConnection implements RawUser, Turn {
  readonly #parts: PlainConnectionParts;
  readonly #ip: string;
  #socket: RawSocket | undefined;
  #state: 'idle' | 'busy' | 'draining' | 'over' = 'idle';
  #head: PlainHead | undefined;
  #write: WriteExchange | undefined;
  #query: QueryExchange | undefined;
  /** Whether the room that was asked for last is of a body. */
  #isIntoBody = false;
  /** What came while a request was under way; between two of them a query of which not all has come. */
  #early: Buffer = nothing;
  #hasEnded = false;
  #leaving: Timer | undefined;
  #stepCount = 0;
  #writeCount = 0;

  constructor(parts: PlainConnectionParts, ip: string) {
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

  get isOver(): boolean {
    return this.#state === 'over';
  }

  /** Grows as long as the client does its part. */
  get progress(): number {
    return this.#state === 'busy' ? Number.NaN : this.#stepCount;
  }

  /** The same of a client that has the answer to a query to take. */
  get takingProgress(): number {
    return this.#query?.isWaiting === true ? this.#stepCount : Number.NaN;
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  room(): Uint8Array {
    const write = this.#coming;
    this.#isIntoBody = write !== undefined;
    return write?.room() ?? this.#parts.scratch;
  }

  took(lengthBytes: number): boolean {
    if (this.#isIntoBody)
      must(this.#write, 'a body is whole once room for something else was asked for').took(lengthBytes); // prettier-ignore
    else this.#takeRead(this.#parts.scratch.subarray(0, lengthBytes));
    return !this.#isHeld;
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#state === 'idle') this.#close();
    // Half a body, of which no more comes.
    else if (this.#coming !== undefined) this.destroy();
    else {
      this.#leaving = this.#parts.halfOpen.add(
        () => this.#leavingProgress,
        () => {
          this.destroy();
        },
      );
    }
  }

  closed(): void {
    this.#state = 'over';
    this.#leaving?.cancel();
    this.#write?.closed();
    this.#query?.closed();
    this.#parts.onClosed();
  }

  /** The client has taken what was sent to it. */
  drained(): void {
    this.#stepCount++;
    this.#query?.drained();
    if (this.#state === 'draining') this.#next();
  }

  write(...answer: readonly (string | Uint8Array)[]): boolean {
    this.#writeCount++;
    return this.#socket?.write(...answer) !== false;
  }

  answered(isTaken: boolean): void {
    this.#write = undefined;
    this.#query = undefined;
    if (this.#state !== 'busy') return;
    if (this.#parts.isClosing() || this.#head?.closes === true) this.#close();
    else if (isTaken) this.#next();
    else this.#state = 'draining';
  }

  goOn(): void {
    if (this.#state !== 'over' && !this.#isHeld) this.#socket?.resume();
  }

  handOver(request: Uint8Array): void {
    const socket = this.#socket;
    if (this.#state === 'over' || socket === undefined) return;
    this.#state = 'over';
    this.#leaving?.cancel();
    this.#query = undefined;
    const whole = this.#early.length === 0 ? request : Buffer.concat([request, this.#early]);
    this.#early = nothing;
    this.#parts.handOver(socket, whole);
  }

  /** A write of whose body bytes are missing. */
  get #coming(): WriteExchange | undefined {
    return this.#write?.isComing === true ? this.#write : undefined;
  }

  /** Grows as the answer to a query goes out. What writes do is not undone, and who reads slowly is another's to leave. */
  get #leavingProgress(): number {
    const isAnswering = this.#query?.isWaiting === false;
    return isAnswering ? this.#stepCount + this.#writeCount : Number.NaN;
  }

  get #isHeld(): boolean {
    if (this.#write?.isHeld === true) return true;
    if (this.#state === 'idle') return false;
    return this.#early.length >= (this.#query === undefined ? 1 : earlyBytesMax);
  }

  #takeRead(bytes: Buffer): void {
    const write = this.#coming;
    if (write !== undefined) this.#addToBody(write, bytes);
    else if (this.#state !== 'idle') this.#early = Buffer.concat([this.#early, bytes]);
    else {
      const early = this.#early;
      this.#early = nothing;
      this.#begin(early.length === 0 ? bytes : Buffer.concat([early, bytes]));
    }
  }

  #begin(bytes: Buffer): void {
    const head = this.#parts.isClosing() ? undefined : this.#parts.heads.read(bytes, this.#head);
    this.#stepCount++;
    if (head === undefined || (head.kind === 'write' && head.lengthBytes === 0)) {
      this.handOver(bytes);
      return;
    }
    this.#head = head;
    if (head.kind === 'write') this.#beginWrite(head, bytes);
    else this.#beginQuery(head, bytes);
  }

  #beginQuery(head: PlainHead, bytes: Buffer): void {
    const headBytes = head.text.length;
    const end = headBytes + head.lengthBytes;
    if (bytes.length < end) {
      this.#early = Buffer.from(bytes);
      return;
    }
    this.#state = 'busy';
    // The memory that it was read to is read to again while it is answered.
    const body = end === headBytes ? nothing : Buffer.from(bytes.subarray(headBytes, end));
    if (bytes.length > end) this.#early = Buffer.from(bytes.subarray(end));
    this.#query = new QueryExchange(this.#parts, this);
    this.#query.run({ head, body, ip: this.#ip });
  }

  #beginWrite(head: PlainHead, bytes: Buffer): void {
    this.#state = 'busy';
    const opened = this.#parts.open(head, this.#ip);
    if (!(opened instanceof Promise)) {
      this.#opened(opened, bytes, head);
      return;
    }
    const kept = Buffer.from(bytes);
    opened.then(
      (write) => {
        this.#opened(write, kept, head);
        this.goOn();
      },
      () => {
        this.handOver(kept);
      },
    );
  }

  #opened(open: OpenWrite | undefined, bytes: Buffer, head: PlainHead): void {
    if (this.#state === 'over') open?.end();
    else if (open === undefined) this.handOver(bytes);
    else {
      const write = new WriteExchange(open, head.lengthBytes, this.#parts, this);
      this.#write = write;
      const body = bytes.subarray(head.text.length);
      this.#addToBody(write, this.#early.length === 0 ? body : Buffer.concat([body, this.#early]));
      write.watch(this.#parts);
    }
  }

  /** What was read before its room was known; what is behind it waits. */
  #addToBody(write: WriteExchange, bytes: Buffer): void {
    const ownBytes = write.add(bytes);
    this.#early = bytes.length > ownBytes ? Buffer.from(bytes.subarray(ownBytes)) : nothing;
    write.added(ownBytes);
  }

  /** After an answer. */
  #next(): void {
    this.#state = 'idle';
    const early = this.#early;
    this.#early = nothing;
    if (early.length > 0) this.#begin(early);
    if (this.#hasEnded && this.isIdle) this.#close();
    else this.goOn();
  }

  #close(): void {
    this.#state = 'over';
    this.#socket?.end();
  }
}
