/**
 * A writer by the fast clock: each body is of the moment it is written at, has the same hosts, and containers that are others every
 * six hours, as series come and go. What is not acknowledged is written again, with the same times, until it is.
 */
import { fastMs, type FastTime } from './fast-time.ts';

export interface MonthsOptions {
  readonly urls: readonly string[];
  readonly database: string;
  readonly time: FastTime;
}

/** What one host has of one day. */
export interface DaySums {
  readonly count: number;
  readonly sum: number;
}

export const dayMs = 86_400_000;
const containersMs = dayMs / 4;
const hostCount = 50;
const containerCount = 20;
const paceMs = 200;
const retryMs = 100;
const giveUpMs = 15_000;
const levels = ['one', 'quorum', 'all', 'any'];

export class MonthsLoad {
  readonly #options: MonthsOptions;
  /** By days since 1970, of bodies that were acknowledged. */
  readonly days = new Map<number, DaySums>();
  bodyCount = 0;
  retryCount = 0;
  /** What a write was answered that may not be: its points are lost. */
  readonly refusals: string[] = [];
  #isOver = false;

  constructor(options: MonthsOptions) {
    this.#options = options;
  }

  get nowMs(): number {
    return fastMs(this.#options.time, Date.now());
  }

  stop(): void {
    this.#isOver = true;
  }

  /** Resolves once `stop` was called and the last body is acknowledged. */
  async run(): Promise<void> {
    for (let number = 1; !this.#isOver; number++) {
      const startMs = performance.now();
      const timeMs = this.nowMs;
      const value = number % 1_000;
      if (await this.#write(bodyOf(timeMs, value), number)) this.#note(timeMs, value);
      await pause(Math.max(0, paceMs - (performance.now() - startMs)));
    }
  }

  #note(timeMs: number, value: number): void {
    const day = Math.floor(timeMs / dayMs);
    const { count, sum } = this.days.get(day) ?? { count: 0, sum: 0 };
    this.days.set(day, { count: count + 1, sum: sum + value });
    this.bodyCount++;
  }

  /** Tries one node after the other; false for what was refused for good. */
  async #write(body: string, number: number): Promise<boolean> {
    const { urls, database } = this.#options;
    for (let tries = number; ; tries++) {
      const url = `${urls[tries % urls.length]}/write?db=${database}&consistency=${levels[number % levels.length]}`;
      try {
        const signal = AbortSignal.timeout(giveUpMs);
        const response = await fetch(url, { method: 'POST', body, signal });
        const text = await response.text();
        if (response.status === 204) return true;
        if (response.status < 500) {
          this.refusals.push(`${response.status} ${text}`);
          return false;
        }
      } catch {
        // A node that is down, or was killed meanwhile.
      }
      this.retryCount++;
      await pause(retryMs);
    }
  }
}

function bodyOf(timeMs: number, value: number): string {
  const timeNs = `${timeMs}000000`;
  const shift = Math.floor(timeMs / containersMs);
  const hosts = Array.from({ length: hostCount }, (_, host) => `cpu,host=h${host} v=${value},text="${'x'.repeat(value % 50)}" ${timeNs}`); // prettier-ignore
  const containers = Array.from({ length: containerCount }, (_, i) => `container,id=c${shift}-${i} memory=${value},up=true ${timeNs}`); // prettier-ignore
  return [...hosts, ...containers].join('\n');
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
