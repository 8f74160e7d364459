/**
 * A query from its request to the end of its answer. It ends when its client has gone; what has begun ends once, however it
 * ends. Small answers leave with their head in one write, long ones in chunks as the client takes them.
 */
import { Buffer } from 'node:buffer';
import { Latch } from '../../../base/async/latch.ts';
import { keptBytes } from '../../../base/lent-bytes.ts';
import type { Clock } from '../../../env/clock.ts';
import type { AskedRequest, OpenQuery, Turn } from './exchange.ts';

export interface QueryExchangeParts {
  /** Undefined where Node's server is to answer. Rejects as no answer may. */
  readonly answer: (asked: AskedRequest) => Promise<OpenQuery | undefined>;
  readonly clock: Pick<Clock, 'after'>;
  /** A client that has not taken its answer by then is left, as the query would be; 0 is no limit. */
  readonly timeoutMs: number;
}

/** A body that is sent together with its head. */
const joinedBytesMax = 65_536;
/** So much at once is more than a socket takes without saying that it waits. */
const waitedBytesMin = 65_536;
const chunkEnd = Buffer.from('\r\n', 'latin1');
const lastChunk = Buffer.from('0\r\n\r\n', 'latin1');

export class QueryExchange {
  readonly #parts: QueryExchangeParts;
  readonly #turn: Turn;
  readonly #gone = new AbortController();
  /** Open once the client has taken what waits for it. */
  #drained: Latch<undefined> | undefined;
  #sentBytes = 0;
  /** Of the body. */
  #lengthBytes = 0;

  constructor(parts: QueryExchangeParts, turn: Turn) {
    this.#parts = parts;
    this.#turn = turn;
  }

  /** Whether something waits for the client to take it. */
  get isWaiting(): boolean {
    return this.#drained !== undefined;
  }

  run(asked: Omit<AskedRequest, 'signal'>): void {
    this.#run({ ...asked, signal: this.#gone.signal }).catch(() => {
      this.#turn.destroy();
    });
  }

  /** The client has taken what was sent to it. */
  drained(): void {
    this.#drained?.open(undefined);
    this.#drained = undefined;
  }

  /** The client has gone. */
  closed(): void {
    this.#gone.abort(new Error('query aborted'));
    this.drained();
  }

  async #run(asked: AskedRequest): Promise<void> {
    const open = await this.#parts.answer(asked);
    if (open === undefined) {
      const head = Buffer.from(asked.head.text, 'latin1');
      this.#turn.handOver(Buffer.concat([head, asked.body]));
      return;
    }
    const { clock, timeoutMs } = this.#parts;
    const isSmall = open.started.kind === 'whole' && open.started.bytes.length <= joinedBytesMax;
    const end = (): void => {
      if (this.isWaiting) this.#turn.destroy();
    };
    const timer = timeoutMs === 0 || isSmall ? undefined : clock.after(timeoutMs, end);
    try {
      await this.#send(open);
    } finally {
      timer?.cancel();
      open.end(this.#sentBytes, this.#lengthBytes);
    }
    this.#turn.answered(true);
  }

  async #send({ started, head }: Pick<OpenQuery, 'started' | 'head'>): Promise<void> {
    if (started.kind === 'whole') {
      const { bytes } = started;
      this.#lengthBytes = bytes.length;
      const text = Buffer.from(head(bytes.length), 'latin1');
      if (bytes.length <= joinedBytesMax) return this.#write(Buffer.concat([text, bytes]));
      await this.#write(text);
      return this.#write(bytes);
    }
    const { taken, parts } = started;
    try {
      await this.#write(Buffer.from(head(undefined), 'latin1'));
      for (const part of taken) await this.#writeChunk(part);
      while (!this.#turn.isOver) {
        const next = await parts.next();
        if (next.done === true) break;
        await this.#writeChunk(next.value);
      }
      await this.#write(lastChunk);
    } finally {
      await parts.return(undefined);
    }
  }

  async #writeChunk(part: Buffer): Promise<void> {
    if (part.length === 0) return;
    this.#lengthBytes += part.length;
    // A socket says that it waits for all of a longer one; a shorter one may wait there when the next is asked for.
    const own = part.length < waitedBytesMin ? keptBytes(part) : part;
    await this.#write(Buffer.from(`${part.length.toString(16)}\r\n`, 'latin1'), own, chunkEnd);
  }

  /** Resolves once there is room for more, or nobody to take it. */
  async #write(...parts: readonly Buffer[]): Promise<void> {
    for (const { length } of parts) this.#sentBytes += length;
    if (this.#turn.isOver || this.#turn.write(...parts)) return;
    this.#drained ??= new Latch();
    await this.#drained.promise;
  }
}
