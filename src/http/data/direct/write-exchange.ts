/**
 * A write from its head to its answer: the bytes of its body go from the socket to the memory in which a worker parses them.
 *
 * - Bytes are counted in the budget of all bodies as they come; while they have no place there no more are read.
 * - What it holds (its turn, its place in the budget, its memory) is given back once, however it ends.
 */
import type { Buffer } from 'node:buffer';
import type { Timer } from '../../../env/clock.ts';
import { GatheredBody, type BodyBuffers } from '../requests/gathered-body.ts';
import type { IdleWatch } from '../requests/idle-watch.ts';
import type { OpenWrite, Turn } from './exchange.ts';

export interface WriteExchangeParts {
  readonly buffers: BodyBuffers;
  /** Clients that send nothing of a body. */
  readonly idleBodies: IdleWatch;
}

export class WriteExchange {
  readonly #write: OpenWrite;
  readonly #turn: Turn;
  readonly #lengthBytes: number;
  readonly #gathered: GatheredBody;
  #watch: Timer | undefined;
  /** For the budget. */
  #isHeld = false;
  #isComing = true;

  constructor(write: OpenWrite, lengthBytes: number, { buffers }: WriteExchangeParts, turn: Turn) {
    this.#write = write;
    this.#turn = turn;
    this.#lengthBytes = lengthBytes;
    this.#gathered = new GatheredBody(buffers, lengthBytes);
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
    const own = bytes.subarray(0, this.#lengthBytes - this.#gathered.lengthBytes);
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
    this.#gathered.drop();
    this.#write.end();
  }

  #counted(lengthBytes: number): void {
    const waiting = lengthBytes === 0 ? undefined : this.#write.place.take(lengthBytes);
    if (waiting === undefined) {
      this.#ifWhole();
      return;
    }
    this.#isHeld = true;
    void waiting.then(() => {
      this.#isHeld = false;
      if (!this.#isComing) return;
      this.#ifWhole();
      this.#turn.goOn();
    });
  }

  #ifWhole(): void {
    if (this.#gathered.lengthBytes < this.#lengthBytes) return;
    this.#isComing = false;
    this.#watch?.cancel();
    void this.#write.answer(this.#gathered.finish()).then((text) => {
      const isTaken = this.#turn.write(text);
      this.#write.end();
      this.#turn.answered(isTaken);
    });
  }
}
