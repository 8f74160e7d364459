/** Requests of attackers: plain HTTP with a limit of time, answers as text. */
export interface Answer {
  readonly status: number;
  readonly text: string;
}

export interface QueryOptions {
  readonly db?: string;
  /** That node alone answers, from what it has. */
  readonly nodeId?: number | undefined;
  readonly signal?: AbortSignal;
  /** Who asks, where nodes want to know. */
  readonly headers?: Readonly<Record<string, string>>;
}

const giveUpMs = 120_000;

export async function query(url: string, q: string, options: QueryOptions = {}): Promise<Answer> {
  const { db = '', nodeId, signal = AbortSignal.timeout(giveUpMs), headers = {} } = options;
  const pinned = nodeId === undefined ? {} : { node_id: String(nodeId) };
  const body = new URLSearchParams({ q, db, epoch: 'ns', ...pinned });
  const response = await fetch(`${url}/query`, { method: 'POST', body, signal, headers });
  return { status: response.status, text: await response.text() };
}

/** The start of an answer, up to `lengthMax` characters; of one that is longer the client leaves. */
export async function startOf(
  url: string,
  q: string,
  { db, lengthMax }: { readonly db: string; readonly lengthMax: number },
): Promise<Answer> {
  const body = new URLSearchParams({ q, db, epoch: 'ns' });
  const leaving = new AbortController();
  const signal = AbortSignal.any([leaving.signal, AbortSignal.timeout(giveUpMs)]);
  const response = await fetch(`${url}/query`, { method: 'POST', body, signal });
  const decoder = new TextDecoder();
  let text = '';
  for await (const part of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    text += decoder.decode(part, { stream: true });
    if (text.length > lengthMax) break;
  }
  leaving.abort();
  return { status: response.status, text };
}

/** Writes at level all; throws what the server says when it does not take it. */
export async function write(url: string, db: string, body: string | Uint8Array): Promise<void> {
  const response = await fetch(`${url}/write?db=${db}&consistency=all`, {
    method: 'POST',
    body: body as never,
    signal: AbortSignal.timeout(giveUpMs),
  });
  const text = await response.text();
  if (response.status !== 204) throw new Error(`a write was answered ${response.status} ${text}`);
}

export async function makeDatabase(url: string, name: string, replication: number): Promise<void> {
  const q = `CREATE DATABASE ${name} WITH DURATION INF REPLICATION ${replication}`;
  const { text } = await query(url, q);
  if (text.includes('error')) throw new Error(text);
}

/** The numbers of the queries that run, but for the one that asks. */
export async function runningQueries(url: string): Promise<readonly string[]> {
  const { text } = await query(url, 'SHOW QUERIES');
  const answer = JSON.parse(text) as {
    results: { series?: { columns: string[]; values: unknown[][] }[] }[];
  };
  const rows = answer.results[0]?.series?.[0]?.values ?? [];
  return rows.filter((row) => !row.includes('SHOW QUERIES')).map(String);
}

/** Waits until no query runs; throws after `limitMs`. */
export async function quiet(url: string, limitMs: number): Promise<void> {
  const startMs = performance.now();
  for (;;) {
    const running = await runningQueries(url);
    if (running.length === 0) return;
    if (performance.now() - startMs > limitMs)
      throw new Error(`after ${limitMs} ms still running: ${running.join('; ').slice(0, 300)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
