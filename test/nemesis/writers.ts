/**
 * Clients of the nemesis: each writes through one node, point after point, at a level of its own. Points have numbers, and are
 * written once; registers are written over and over through all nodes.
 */
import type { ConsistencyLevel } from '../../src/data/write/consistency.ts';
import { query } from '../hostile/ask.ts';

export const database = 'nemesis';
const levels: readonly ConsistencyLevel[] = ['any', 'one', 'quorum', 'all'];
const everyMs = 25;
const giveUpMs = 15_000;
const registerCount = 8;
const baseMs = 1_700_000_000_000;

const pointOf = (number: number): number => baseMs + number;

/** Takes a point away from all owners. Throws what the node says when it does not. */
export async function removePoint(url: string, number: number): Promise<void> {
  const q = `DELETE FROM p WHERE time = ${pointOf(number)}ms`;
  const { text } = await query(url, q, { db: database });
  if (text.includes('error')) throw new Error(text);
}

export class Writers {
  readonly #urls: readonly string[];
  /** Of points that were acknowledged: by which node, and when. */
  readonly told = new Map<number, string>();
  readonly acknowledged = new Map<ConsistencyLevel, number[]>(levels.map((level) => [level, []]));
  refusedCount = 0;
  readonly #sent = new Map<ConsistencyLevel, number>();
  #next = 0;
  #isOver = false;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  async createDatabase(replication: number): Promise<void> {
    const q = `CREATE DATABASE ${database} WITH DURATION INF REPLICATION ${replication}`;
    const { text } = await query(this.#urls[0] ?? '', q);
    if (text.includes('error')) throw new Error(text);
  }

  /** Resolves once stop() was called and the last answers are in. */
  async run(): Promise<void> {
    const lanes = this.#urls.flatMap((url) => levels.map((level) => this.#lane(url, level)));
    await Promise.all(lanes);
  }

  /** How many points were sent at a level so far, whatever became of them. */
  sentCount(level: ConsistencyLevel): number {
    return this.#sent.get(level) ?? 0;
  }

  stop(): void {
    this.#isOver = true;
  }

  async #lane(url: string, level: ConsistencyLevel): Promise<void> {
    while (!this.#isOver) {
      await this.#writeOne(url, level);
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  async #writeOne(url: string, level: ConsistencyLevel): Promise<void> {
    const number = this.#next++;
    this.#sent.set(level, this.sentCount(level) + 1);
    const register = `r,k=${number % registerCount} v=${number}i ${baseMs}`;
    const body = `p,level=${level} v=${number}i ${pointOf(number)}\n${register}`;
    try {
      const response = await fetch(`${url}/write?db=${database}&precision=ms&consistency=${level}`, { method: 'POST', body, signal: AbortSignal.timeout(giveUpMs) }); // prettier-ignore
      await response.text();
      if (response.status !== 204) {
        this.refusedCount++;
        return;
      }
      this.acknowledged.get(level)?.push(number);
      this.told.set(number, `${level} by ${url} at ${new Date().toISOString()}`);
    } catch {
      // Down, or too slow: nobody knows what became of it.
      this.refusedCount++;
    }
  }
}
