import type { RandomChoice } from '../conformance/fresh/random-choice.ts';

/** Points are of a moment that comes: whoever looks at their window when it ends, or a little before, sees all of it. */
export const aheadMs = 4_000;
const paceMs = 100;
const series = ['m,host=a', 'm,host=a', 'm,host=b', 'm', 'n,host=a', 'n,host=c'];

/** Writes the same points to several, until it is stopped. */
export class LivePoints {
  readonly #random: RandomChoice;
  readonly #writers: readonly ((lines: string) => Promise<void>)[];
  /** Times of points that one of them took only when their moment was near: ms. */
  readonly lateMs: number[] = [];
  readonly #done: Promise<void>;
  #isOver = false;

  /** Each writer resolves once it has the lines. */
  constructor(random: RandomChoice, writers: readonly ((lines: string) => Promise<void>)[]) {
    this.#random = random;
    this.#writers = writers;
    this.#done = this.#run();
  }

  stop(): Promise<void> {
    this.#isOver = true;
    return this.#done;
  }

  async #run(): Promise<void> {
    const pending: Promise<void>[] = [];
    for (let number = 0; !this.#isOver; number++) {
      const timeMs = Date.now() + aheadMs;
      const lines = series.filter(() => this.#random.chance(0.5)).map((one, i) => this.#line(one, BigInt(timeMs) * 1_000_000n + BigInt(i))); // prettier-ignore
      if (lines.length > 0) pending.push(...this.#writers.map((write) => this.#written(write, lines.join('\n'), timeMs))); // prettier-ignore
      await new Promise((resolve) => setTimeout(resolve, paceMs));
    }
    await Promise.all(pending);
  }

  #line(key: string, timeNs: bigint): string {
    const random = this.#random;
    const text = random.chance(0.3) ? `,s="${random.integer(1, 9)}"` : '';
    return `${key} f=${random.integer(1, 400) / 8},g=${random.integer(-50, 50)}i${text} ${timeNs}`;
  }

  async #written(
    write: (lines: string) => Promise<void>,
    lines: string,
    timeMs: number,
  ): Promise<void> {
    await write(lines);
    if (Date.now() > timeMs - aheadMs / 2) this.lateMs.push(timeMs);
  }
}
