/**
 * Clients of the nemesis that write points at `all` and delete them again, each by a node of its own for either: what was deleted, as it
 * was answered, comes back on no owner and in no answer, and what was not stays.
 */
import { query } from '../hostile/ask.ts';
import { database } from './writers.ts';

const everyMs = 150;
const giveUpMs = 30_000;
const namedMax = 10;

type Fate = 'written' | 'deleted' | 'unknown';

export class Deleters {
  /** Points whose deletion was answered, and that an answer had afterwards. */
  readonly faults: string[] = [];
  readonly #urls: readonly string[];
  readonly #fates = new Map<number, Fate>();
  #next = 1;
  #isOver = false;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
  }

  get deletedCount(): number {
    return this.#numbers('deleted').length;
  }

  /** Resolves once stop() was called and the last answers are in. */
  async run(): Promise<void> {
    await Promise.all(this.#urls.map((_url, i) => this.#lane(i)));
  }

  stop(): void {
    this.#isOver = true;
  }

  async #lane(place: number): Promise<void> {
    for (let turn = 0; !this.#isOver; turn++) {
      await this.#writeAndDelete(this.#urlAt(place), this.#urlAt(place + 1 + turn));
      await this.#look(this.#urlAt(place + turn));
      await new Promise((resolve) => setTimeout(resolve, everyMs));
    }
  }

  #urlAt(place: number): string {
    return this.#urls[place % this.#urls.length] ?? '';
  }

  /** Every third point stays. */
  async #writeAndDelete(writing: string, deleting: string): Promise<void> {
    const number = this.#next++;
    const options = { method: 'POST', body: `q v=${number}i ${number}`, signal: AbortSignal.timeout(giveUpMs) }; // prettier-ignore
    const status = await fetch(`${writing}/write?db=${database}&consistency=all`, options).then((answer) => answer.status, () => 0); // prettier-ignore
    if (status !== 204) return;
    this.#fates.set(number, 'written');
    if (number % 3 === 0) return;
    this.#fates.set(number, 'unknown');
    const q = `DELETE FROM q WHERE time = ${number}`;
    const said = await query(deleting, q, { db: database, signal: AbortSignal.timeout(giveUpMs) }).catch(() => undefined); // prettier-ignore
    if (said?.text.trim() === '{"results":[{"statement_id":0}]}')
      this.#fates.set(number, 'deleted');
  }

  async #look(url: string): Promise<void> {
    const deleted = this.#numbers('deleted');
    const written = this.#numbers('written');
    const held = await heldBy(url).catch(() => undefined);
    if (held === undefined) return;
    const fault = faultOf(held, { deleted, written });
    if (fault !== '') this.faults.push(`${url} at ${new Date().toISOString()}: ${fault}`);
  }

  /** What is wrong with what a node has by itself; '' for nothing. */
  async check(url: string, nodeId: number): Promise<string> {
    const held = await heldBy(url, nodeId);
    const isOwner = held.size > 0;
    return isOwner ? faultOf(held, { deleted: this.#numbers('deleted'), written: this.#numbers('written') }) : ''; // prettier-ignore
  }

  #numbers(fate: Fate): readonly number[] {
    return [...this.#fates].filter(([, one]) => one === fate).map(([number]) => number);
  }
}

function faultOf(
  held: ReadonlySet<number>,
  {
    deleted,
    written,
  }: { readonly deleted: readonly number[]; readonly written: readonly number[] },
): string {
  const back = deleted.filter((number) => held.has(number));
  const lost = written.filter((number) => !held.has(number));
  const texts = [
    ...(back.length > 0 ? [`${back.length} were deleted: ${back.slice(0, namedMax).join()}`] : []),
    ...(lost.length > 0 ? [`${lost.length} are gone: ${lost.slice(0, namedMax).join()}`] : []),
  ];
  return texts.join('; ');
}

async function heldBy(url: string, nodeId?: number): Promise<ReadonlySet<number>> {
  const { text } = await query(url, 'SELECT v FROM q', { db: database, nodeId, signal: AbortSignal.timeout(giveUpMs) }); // prettier-ignore
  const { results, error } = JSON.parse(text) as { error?: string; results?: { error?: string; series?: { values: unknown[][] }[] }[] }; // prettier-ignore
  const [result] = results ?? [];
  const refused = error ?? result?.error;
  if (refused !== undefined) throw new Error(refused);
  return new Set((result?.series?.[0]?.values ?? []).map(([, v]) => Number(v)));
}
