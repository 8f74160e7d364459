/**
 * A connection whose plain writes are read and answered without Node's HTTP: the bytes of a body go from the socket to the
 * memory in which a worker parses them.
 *
 * Invariants:
 * - Requests are answered in order, one at a time: what comes meanwhile waits, two reads of it at most.
 * - A request that is not plain, or that is refused before its body is read, goes to Node's server as it came, and the
 *   connection stays there.
 * - What a request holds (its turn, its place in the budget, its memory) is given back once, however it ends.
 */
import { Buffer } from 'node:buffer';
import { must } from '../../../base/assert.ts';
import type { RawSocket, RawUser } from '../../../env/raw-sockets.ts';
import type { BodyPlace } from '../requests/body-budget.ts';
import { GatheredBody, type BodyBuffers } from '../requests/gathered-body.ts';
import type { IdleWatch } from '../requests/idle-watch.ts';
import type { Timer } from '../../../env/clock.ts';
import { readPlainHead, type PlainHead } from './plain-head.ts';

/** A request that was let in. */
export interface OpenWrite {
  readonly place: BodyPlace;
  /** Writes the body, which is its own from then on; resolves with the answer's text. Never rejects. */
  answer(body: Uint8Array): Promise<string>;
  /** Once, however it ended. */
  end(): void;
}

export interface WriteConnectionParts {
  /** Shared by all connections: what is read there is looked at before anything else is. */
  readonly scratch: Buffer;
  readonly buffers: BodyBuffers;
  /** Clients that send nothing of a body. */
  readonly idleBodies: IdleWatch;
  /** Undefined for those that are to wait, or to be refused. */
  readonly open: (head: PlainHead, ip: string) => OpenWrite | undefined | Promise<OpenWrite | undefined>; // prettier-ignore
  readonly isClosing: () => boolean;
  readonly handOver: (socket: RawSocket, bytes: Uint8Array) => void;
  readonly onClosed: () => void;
}

interface ComingBody {
  readonly write: OpenWrite;
  readonly gathered: GatheredBody;
  readonly lengthBytes: number;
  watch: Timer | undefined;
  /** For the budget. */
  isHeld: boolean;
}

const nothing = Buffer.alloc(0);

export class WriteConnection implements RawUser {
  readonly #parts: WriteConnectionParts;
  readonly #ip: string;
  #socket: RawSocket | undefined;
  #state: 'idle' | 'busy' | 'body' | 'draining' | 'over' = 'idle';
  #head: PlainHead | undefined;
  #body: ComingBody | undefined;
  /** Whether the room that was asked for last is of the body. */
  #isIntoBody = false;
  /** What came while a request was under way. */
  #early: Buffer = nothing;
  #hasEnded = false;
  #requestCount = 0;

  constructor(parts: WriteConnectionParts, ip: string) {
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

  /** Grows as long as the client does its part. */
  get progress(): number {
    return this.#state === 'busy' || this.#state === 'body' ? Number.NaN : this.#requestCount;
  }

  destroy(): void {
    this.#socket?.destroy();
  }

  room(): Uint8Array {
    this.#isIntoBody = this.#body !== undefined;
    return this.#body?.gathered.room() ?? this.#parts.scratch;
  }

  took(lengthBytes: number): boolean {
    const body = this.#body;
    if (this.#isIntoBody) {
      const into = must(body, 'a body is whole once room for something else was asked for');
      into.gathered.took(lengthBytes);
      this.#counted(into, lengthBytes);
      return !this.#isHeld;
    }
    const bytes = this.#parts.scratch.subarray(0, lengthBytes);
    if (body !== undefined) this.#addToBody(body, bytes);
    else if (this.#state === 'idle') this.#begin(bytes);
    else this.#early = Buffer.concat([this.#early, bytes]);
    return !this.#isHeld;
  }

  ended(): void {
    this.#hasEnded = true;
    if (this.#state === 'idle') this.#close();
    // Half a body, of which no more comes.
    else if (this.#state === 'body') this.#socket?.destroy();
  }

  closed(): void {
    const body = this.#body;
    this.#state = 'over';
    if (body !== undefined) {
      this.#body = undefined;
      body.watch?.cancel();
      body.gathered.drop();
      body.write.end();
    }
    this.#parts.onClosed();
  }

  /** The client has taken what was sent to it. */
  drained(): void {
    if (this.#state === 'draining') this.#next();
  }

  get #isHeld(): boolean {
    return this.#body?.isHeld === true || this.#early.length > 0;
  }

  #begin(bytes: Buffer): void {
    const head = this.#parts.isClosing() ? undefined : readPlainHead(bytes, this.#head);
    if (head === undefined || head.lengthBytes === 0) {
      this.#handOver(bytes);
      return;
    }
    this.#head = head;
    this.#state = 'busy';
    this.#requestCount++;
    const opened = this.#parts.open(head, this.#ip);
    if (!(opened instanceof Promise)) {
      this.#opened(opened, bytes, head);
      return;
    }
    const kept = Buffer.from(bytes);
    opened.then(
      (write) => {
        this.#opened(write, kept, head);
        this.#goOn();
      },
      () => {
        this.#handOver(kept);
      },
    );
  }

  #opened(write: OpenWrite | undefined, bytes: Buffer, head: PlainHead): void {
    if (this.#state === 'over') write?.end();
    else if (write === undefined) this.#handOver(bytes);
    else this.#beginBody(write, bytes.subarray(head.text.length), head.lengthBytes);
  }

  #handOver(bytes: Uint8Array): void {
    const socket = this.#socket;
    if (this.#state === 'over' || socket === undefined) return;
    this.#state = 'over';
    const whole = this.#early.length === 0 ? bytes : Buffer.concat([bytes, this.#early]);
    this.#early = nothing;
    this.#parts.handOver(socket, whole);
  }

  /** `bytes`: what came with the head. */
  #beginBody(write: OpenWrite, bytes: Buffer, lengthBytes: number): void {
    const gathered = new GatheredBody(this.#parts.buffers, lengthBytes);
    const body: ComingBody = { write, gathered, lengthBytes, watch: undefined, isHeld: false };
    this.#body = body;
    this.#state = 'body';
    const here = this.#early.length === 0 ? bytes : Buffer.concat([bytes, this.#early]);
    this.#early = nothing;
    this.#addToBody(body, here);
    if (this.#body !== body) return;
    body.watch = this.#parts.idleBodies.add(
      () => (body.isHeld ? Number.NaN : gathered.lengthBytes),
      () => this.#socket?.destroy(),
    );
  }

  /** What was read before its room was known; what is behind it waits. */
  #addToBody(body: ComingBody, bytes: Buffer): void {
    const own = bytes.subarray(0, body.lengthBytes - body.gathered.lengthBytes);
    if (bytes.length > own.length) this.#early = Buffer.from(bytes.subarray(own.length));
    body.gathered.add(own);
    this.#counted(body, own.length);
  }

  /** Counts bytes in the budget, and goes on with what is whole once they have their place there. */
  #counted(body: ComingBody, lengthBytes: number): void {
    const waiting = lengthBytes === 0 ? undefined : body.write.place.take(lengthBytes);
    if (waiting === undefined) {
      this.#ifWhole(body);
      return;
    }
    body.isHeld = true;
    void waiting.then(() => {
      body.isHeld = false;
      if (this.#body !== body) return;
      this.#ifWhole(body);
      this.#goOn();
    });
  }

  #ifWhole(body: ComingBody): void {
    if (body.gathered.lengthBytes < body.lengthBytes) return;
    body.watch?.cancel();
    this.#body = undefined;
    this.#state = 'busy';
    void this.#answer(body);
  }

  async #answer({ write, gathered }: ComingBody): Promise<void> {
    const text = await write.answer(gathered.finish());
    const isTaken = this.#socket?.write(text);
    write.end();
    if (this.#state !== 'busy') return;
    if (this.#parts.isClosing()) this.#close();
    else if (isTaken === false) this.#state = 'draining';
    else this.#next();
  }

  /** After an answer. */
  #next(): void {
    this.#state = 'idle';
    const early = this.#early;
    this.#early = nothing;
    if (early.length > 0) this.#begin(early);
    if (this.#hasEnded && this.isIdle) this.#close();
    else this.#goOn();
  }

  #goOn(): void {
    if (this.#state !== 'over' && !this.#isHeld) this.#socket?.resume();
  }

  #close(): void {
    this.#state = 'over';
    this.#socket?.end();
  }
}
