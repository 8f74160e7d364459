/**
 * Clients of the nemesis that ask while nodes are in trouble, each one node: an answer is right or an error that says what is wrong,
 * within a time. Right is what has every point that was acknowledged at `all` before it was asked for, and no more than was written.
 */
import { query } from '../hostile/ask.ts';
import { database, type Writers } from './writers.ts';

/** Of what the other nodes may take to be given up, and of the answer. */
const answerMsMax = 30_000;
const everyMs = 100;
const shownMax = 300;

interface Answer {
  readonly error?: string;
  readonly results?: readonly { readonly error?: string; readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[] }[]; // prettier-ignore
}

export class Readers {
  /** Answers that were wrong, or nothing, or late, in words. */
  readonly faults: string[] = [];
  answerCount = 0;
  errorCount = 0;
  readonly errors = new Map<string, number>();
  slowestMs = 0;
  readonly #urls: readonly string[];
  readonly #writers: Writers;
  #isOver = false;

  constructor(urls: readonly string[], writers: Writers) {
    this.#urls = urls;
    this.#writers = writers;
  }

  /** Resolves once stop() was called and the last answers are in. */
  async run(): Promise<void> {
    await Promise.all(this.#urls.map((url) => this.#lane(url)));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #lane(url: string): Promise<void> {
    while (!this.#isOver) {
      await this.#ask(url);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async #ask(url: string): Promise<void> {
    const least = this.#writers.acknowledged.get('all')?.length ?? 0;
    const fromMs = performance.now();
    const said = (text: string): void => {
      this.faults.push(`${url} at ${new Date().toISOString()} after ${Math.round(performance.now() - fromMs)} ms: ${text.slice(0, shownMax)}`); // prettier-ignore
    };
    let text: string;
    try {
      const signal = AbortSignal.timeout(answerMsMax);
      ({ text } = await query(url, `SELECT count(v) FROM p WHERE level = 'all'`, { db: database, signal })); // prettier-ignore
    } catch (error) {
      // A node that was killed answers nobody.
      if (error instanceof Error && error.name === 'TimeoutError') said('no answer');
      return;
    }
    this.slowestMs = Math.max(this.slowestMs, performance.now() - fromMs);
    const { error, results = [] } = JSON.parse(text) as Answer;
    const [result] = results;
    const refused = error ?? result?.error;
    if (refused !== undefined) {
      this.errorCount++;
      this.errors.set(refused, (this.errors.get(refused) ?? 0) + 1);
      return;
    }
    this.answerCount++;
    const count = Number(result?.series?.[0]?.values[0]?.[1] ?? 0);
    const most = this.#writers.sentCount('all');
    if (count < least) said(`${count} points, of ${least} that were acknowledged`);
    if (count > most) said(`${count} points, of ${most} that were written`);
  }
}
