/**
 * A write from its head to its answer: the bytes of its body go from the socket to the memory in which a worker parses them.
 *
 * - A small body that came with its head is written from where it was read, as far as it can be; all others are gathered.
 * - Bytes are counted in the budget of all bodies as they come; while they have no place there no more are read.
 * - What it holds (its turn, its place in the budget, its memory) is given back once, however it ends.
 */
import type { Buffer } from 'node:buffer';
import { KiB } from '../../../base/units.ts';
import type { Timer } from '../../../env/clock.ts';
import { GatheredBody, type BodyBuffers } from '../requests/gathered-body.ts';
import type { IdleWatch } from '../requests/idle-watch.ts';
import type { OpenWrite, Turn } from './exchange.ts';

/** Of a body that is written from where it was read. */
const lentBytesMax = 8 * KiB;

export interface WriteExchangeParts {
  readonly buffers: BodyBuffers;
  /** Clients that send nothing of a body. */
  readonly idleBodies: IdleWatch;
}

export class WriteExchange {
  readonly #write: OpenWrite;
  readonly #turn: Turn;
  readonly #lengthBytes: number;
  readonly #buffers: BodyBuffers;
  /** Made once there is something to gather. */
  #gatheredBody: GatheredBody | undefined;
  /** All of the body, until others read to where it is. */
  #lent: Buffer | undefined;
  #watch: Timer | undefined;
  /** For the budget. */
  #isHeld = false;
  #isComing = true;

  constructor(write: OpenWrite, lengthBytes: number, { buffers }: WriteExchangeParts, turn: Turn) {
    this.#write = write;
    this.#turn = turn;
    this.#lengthBytes = lengthBytes;
    this.#buffers = buffers;
  }

  get #gathered(): GatheredBody {
    return (this.#gatheredBody ??= new GatheredBody(this.#buffers, this.#lengthBytes));
  }

  get isHeld(): boolean {
    return this.#isHeld;
  }

  /** Whether bytes of the body are missing yet. */
  get isComing(): boolean {
    return this.#isComing;
  }

  watch({ idleBodies }: WriteExchangeParts): void {
    if (!this.#isComing) return;
    this.#watch = idleBodies.add(
      () => (this.#isHeld ? Number.NaN : this.#gathered.lengthBytes),
      () => {
        this.#turn.destroy();
      },
    );
  }

  room(): Uint8Array {
    return this.#gathered.room();
  }

  took(lengthBytes: number): void {
    this.#gathered.took(lengthBytes);
    this.#counted(lengthBytes);
  }

  /** How many of these bytes, which were read before their place was known, are of the body. */
  add(bytes: Buffer): number {
    const lengthBytes = this.#lengthBytes;
    const isWhole = this.#gatheredBody === undefined && bytes.length >= lengthBytes;
    if (isWhole && lengthBytes <= lentBytesMax && this.#write.takesLent) {
      this.#lent = bytes.subarray(0, lengthBytes);
      return lengthBytes;
    }
    const own = bytes.subarray(0, lengthBytes - this.#gathered.lengthBytes);
    this.#gathered.add(own);
    return own.length;
  }

  /** Counts what was added, and goes on with what is whole once it has its place in the budget. */
  added(lengthBytes: number): void {
    this.#counted(lengthBytes);
  }

  /** The client has gone. */
  closed(): void {
    if (!this.#isComing) return;
    this.#isComing = false;
    this.#watch?.cancel();
    this.#gatheredBody?.drop();
    this.#write.end();
  }

  #counted(lengthBytes: number): void {
    const waiting = lengthBytes === 0 ? undefined : this.#write.place.take(lengthBytes);
    if (waiting === undefined) {
      this.#ifWhole();
      return;
    }
    this.#isHeld = true;
    if (this.#lent !== undefined) this.#gathered.add(this.#lent);
    this.#lent = undefined;
    void waiting.then(() => {
      this.#isHeld = false;
      if (!this.#isComing) return;
      this.#ifWhole();
      this.#turn.goOn();
    });
  }

  #ifWhole(): void {
    const lent = this.#lent;
    if (lent === undefined && this.#gathered.lengthBytes < this.#lengthBytes) return;
    this.#isComing = false;
    this.#lent = undefined;
    this.#watch?.cancel();
    void this.#write.answer(lent ?? this.#gathered.finish(), lent !== undefined).then((text) => {
      const isTaken = this.#turn.write(text);
      this.#write.end();
      this.#turn.answered(isTaken);
    });
  }
}
