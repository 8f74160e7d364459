/**
 * An honest client beside the attackers: writes single points at an even pace through every node and remembers which were
 * acknowledged, so that each owner can be asked for all of them afterwards.
 */
const database = 'ledger';
const everyMs = 40;

export class Ledger {
  readonly #urls: readonly string[];
  readonly #acknowledged: number[] = [];
  #refusedCount = 0;
  #next = 0;
  #stopped = false;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get acknowledgedCount(): number {
    return this.#acknowledged.length;
  }

  get refusedCount(): number {
    return this.#refusedCount;
  }

  async create(): Promise<void> {
    const q = `CREATE DATABASE ${database} WITH REPLICATION ${this.#urls.length}`;
    await this.#ask(this.#urls[0] ?? '', q);
  }

  /** Resolves once `stop` was called and the last answer is in. */
  async run(): Promise<void> {
    const lanes = this.#urls.map(async (url) => {
      while (!this.#stopped) {
        await this.#writeOne(url);
        await new Promise((resolve) => setTimeout(resolve, everyMs));
      }
    });
    await Promise.all(lanes);
  }

  stop(): void {
    this.#stopped = true;
  }

  /** The acknowledged points that a node, answering from its own copy, does not have. */
  async missing(url: string): Promise<readonly number[]> {
    const text = await this.#ask(url, 'SELECT v FROM p');
    const answer = JSON.parse(text) as {
      results: { series?: { values: [unknown, number][] }[]; error?: string }[];
    };
    const error = answer.results[0]?.error;
    if (error !== undefined) throw new Error(error);
    const stored = new Set(answer.results[0]?.series?.[0]?.values.map(([, value]) => value));
    return this.#acknowledged.filter((number) => !stored.has(number));
  }

  async #writeOne(url: string): Promise<void> {
    const number = this.#next++;
    const body = `p v=${number}i ${1_700_000_000_000 + number}`;
    try {
      const response = await fetch(`${url}/write?db=${database}&precision=ms`, {
        method: 'POST',
        body,
        signal: AbortSignal.timeout(30_000),
      });
      await response.text();
      if (response.status === 204) this.#acknowledged.push(number);
      else this.#refusedCount++;
    } catch {
      this.#refusedCount++;
    }
  }

  async #ask(url: string, q: string): Promise<string> {
    const body = new URLSearchParams({ q, db: database, epoch: 'ms' });
    const response = await fetch(`${url}/query`, { method: 'POST', body });
    return response.text();
  }
}
