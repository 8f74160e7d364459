/**
 * The load of a soak: single-point writes and small queries at an even pace, one heavy query at a time, and clients that
 * leave in the middle. Remembers how long small requests took and which points were acknowledged.
 */
import { Agent, request as httpRequest } from 'node:http';

export interface SoakOptions {
  readonly urls: readonly string[];
  readonly database: string;
  readonly writesPerSecond: number;
  readonly queriesPerSecond: number;
}

const tickMs = 10;
const heavyPauseMs = 500;
const leaveEveryMs = 2_000;
const seriesCount = 200;

const heavyQueries = [
  'SELECT * FROM p',
  'SELECT mean(v), max(v), count(v) FROM p GROUP BY time(1s), *',
  'SELECT sum(v) FROM p WHERE h =~ /h1.*/ GROUP BY time(10s) fill(0)',
  'SHOW SERIES',
];

export class SoakLoad {
  readonly #options: SoakOptions;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 256 });
  readonly latenciesMs: number[] = [];
  readonly failures: string[] = [];
  acknowledgedCount = 0;
  queryCount = 0;
  heavyCount = 0;
  #next = 0;
  #stopped = false;

  constructor(options: SoakOptions) {
    this.#options = options;
  }

  stop(): void {
    this.#stopped = true;
  }

  /** Resolves once `stop` was called and all answers are in. */
  async run(): Promise<void> {
    const { writesPerSecond, queriesPerSecond } = this.#options;
    await Promise.all([
      this.#atPace(writesPerSecond, () => this.#write()),
      this.#atPace(queriesPerSecond, () => this.#query()),
      this.#heavy(),
      this.#leave(),
    ]);
    this.#agent.destroy();
  }

  /** Starts `perSecond` requests a second, however long they take: a slow server is not spared. */
  async #atPace(perSecond: number, start: () => Promise<void>): Promise<void> {
    const startMs = performance.now();
    const running = new Set<Promise<void>>();
    let startedCount = 0;
    while (!this.#stopped) {
      const due = Math.floor(((performance.now() - startMs) * perSecond) / 1_000);
      for (; startedCount < due; startedCount++) {
        const one = start().finally(() => running.delete(one));
        running.add(one);
      }
      await pause(tickMs);
    }
    await Promise.all(running);
  }

  async #write(): Promise<void> {
    const number = this.#next++;
    const line = `p,h=h${number % seriesCount} v=${number}i ${1_700_000_000_000 + number}`;
    const path = `/write?db=${this.#options.database}&precision=ms`;
    const { status, text } = await this.#small(this.#urlOf(number), { path, body: line });
    if (status === 204) this.acknowledgedCount++;
    else this.#fail(`write: ${status} ${text}`);
  }

  async #query(): Promise<void> {
    const number = this.queryCount++;
    const q = `SELECT last(v) FROM p WHERE h = 'h${number % seriesCount}'`;
    const path = `/query?db=${this.#options.database}&q=${encodeURIComponent(q)}`;
    const { status, text } = await this.#small(this.#urlOf(number), { path });
    if (status !== 200 || text.includes('"error"')) this.#fail(`query: ${status} ${text}`);
  }

  async #heavy(): Promise<void> {
    for (; !this.#stopped; this.heavyCount++) {
      const q = heavyQueries[this.heavyCount % heavyQueries.length] ?? '';
      const path = `/query?db=${this.#options.database}&chunked=true&q=${encodeURIComponent(q)}`;
      const { status } = await this.#ask(this.#urlOf(this.heavyCount), { path });
      if (status !== 200) this.#fail(`heavy query: ${status}`);
      await pause(heavyPauseMs);
    }
  }

  /** Asks for a lot and goes away. */
  async #leave(): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const leaving = new AbortController();
      const url = `${this.#urlOf(i)}/query?db=${this.#options.database}&q=SELECT+*+FROM+p`;
      fetch(url, { signal: leaving.signal }).then((response) => response.text()).catch(() => undefined); // prettier-ignore
      await pause(100);
      leaving.abort();
      await pause(leaveEveryMs);
    }
  }

  async #small(url: string, asked: Asked): Promise<Answer> {
    const startMs = performance.now();
    const answer = await this.#ask(url, asked);
    this.latenciesMs.push(performance.now() - startMs);
    return answer;
  }

  #urlOf(number: number): string {
    const { urls } = this.#options;
    return urls[number % urls.length] ?? '';
  }

  #fail(what: string): void {
    if (this.failures.length < 1_000) this.failures.push(what.slice(0, 300));
  }

  /** Status 0 when there was no answer. */
  #ask(url: string, { path, body }: Asked): Promise<Answer> {
    return new Promise((resolve) => {
      const options = { agent: this.#agent, method: body === undefined ? 'GET' : 'POST' };
      const asking = httpRequest(`${url}${path}`, options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => {
          if (parts.length < 16) parts.push(part);
        });
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, text: Buffer.concat(parts).toString() });
        });
        response.on('error', (error) => {
          resolve({ status: 0, text: error.message });
        });
      });
      asking.on('error', (error) => {
        resolve({ status: 0, text: error.message });
      });
      asking.end(body);
    });
  }
}

interface Asked {
  readonly path: string;
  readonly body?: string;
}

interface Answer {
  readonly status: number;
  readonly text: string;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The value below which so many percent of the values lie. */
export function percentileOf(values: readonly number[], percent: number): number {
  const ordered = [...values].sort((a, b) => a - b);
  return ordered[Math.min(ordered.length - 1, Math.floor((ordered.length * percent) / 100))] ?? 0;
}
