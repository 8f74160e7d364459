import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 120_000;
const cluster = new DevCluster(10_900, '--metas', '1');
/** Of data nodes 1 and 2. */
let nodeIds: readonly number[] = [];

beforeAll(async () => {
  await cluster.start();
  await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 1');
  await cluster.query(1, 'CREATE DATABASE copied WITH REPLICATION 2');
  const shown = await (await fetch(`${cluster.url('meta', 1)}/show-cluster`)).json();
  const { data } = shown as { data: { id: number; tcpAddr: string }[] };
  const byPort = [...data].sort((a, b) => portOf(a.tcpAddr) - portOf(b.tcpAddr));
  nodeIds = byPort.map(({ id }) => id);
  expect(await cluster.write(1, hostLines, 'all')).toBe('204');
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

const hostCount = 50;
const hostLines = Array.from({ length: hostCount }, (_, i) => `m,host=h${i} v=${i}i ${i + 1}`).join('\n'); // prettier-ignore

function portOf(address: string): number {
  return Number(address.split(':')[1]);
}

interface Answer {
  readonly results: {
    readonly error?: string;
    readonly series?: { readonly columns: string[]; readonly values: unknown[][] }[];
  }[];
}

async function ask(number: number, q: string, more: Readonly<Record<string, string>> = {}) {
  const body = new URLSearchParams({ q, db: 'd', ...more });
  const response = await fetch(`${cluster.url('data', number)}/query`, { method: 'POST', body });
  const { results } = (await response.json()) as Answer;
  return { error: results[0]?.error, rows: results[0]?.series?.[0]?.values ?? [] };
}

/** How many points node `of` has by itself, asked through node `through`; 0 where it has none. */
async function countAt(
  through: number,
  of: number,
  { db, from }: { readonly db: string; readonly from: string },
): Promise<number> {
  const more = { db, node_id: String(nodeIds[of - 1]) };
  const { rows, error } = await ask(through, `SELECT count(v) FROM ${from}`, more);
  if (error !== undefined) throw new Error(error);
  return Number(rows[0]?.[1] ?? 0);
}

test('cluster queries: node_id asks one node for what it has, through any', async () => {
  const place = { db: 'd', from: 'm' };
  const first = await countAt(1, 1, place);
  const second = await countAt(1, 2, place);
  expect(Math.min(first, second)).toBeGreaterThan(0);
  expect(first + second).toBe(hostCount);
  expect(await countAt(2, 1, place)).toBe(first);
  const other = await ask(1, 'SELECT count(v) FROM m', { node_id: '999' });
  expect(other).toEqual({ error: undefined, rows: [] });
  for (const text of ['0', '-1', 'x', ''])
    expect((await ask(1, 'SELECT count(v) FROM m', { node_id: text })).rows[0]?.[1]).toBe(
      hostCount,
    );
});

test('cluster queries: EXPLAIN ANALYZE names the node that is asked', async () => {
  const { rows } = await ask(1, 'EXPLAIN ANALYZE SELECT count(v) FROM m');
  const text = rows.flat().join('\n');
  expect(text).toContain('remote_iterator');
  expect(text).toContain(`node_id: ${nodeIds[1]}`);
});

test(
  'cluster queries: a query that is not read to its end is shown and killed through the other node',
  async () => {
    const late = hostLines.replaceAll(/^m,(.*) \d+$/gm, 'late,$1 1600000000000000000');
    expect(await cluster.write(1, late, 'all')).toBe('204');
    // 18 million windows, of which the client takes none yet: the answer stands still.
    const q = "SELECT count(v) FROM late WHERE time >= '2020-09-13T12:00:00Z' AND time < '2020-09-13T17:00:00Z' GROUP BY time(1ms) fill(0)"; // prettier-ignore
    const body = new URLSearchParams({ q, db: 'd', chunked: 'true' });
    const response = await fetch(`${cluster.url('data', 1)}/query`, { method: 'POST', body });
    const row = await shownOne(2, 'fill(0)');
    const [qid, nodeId, host, , database, , status, user] = row;
    expect([nodeId, database, status, user]).toEqual([nodeIds[0], 'd', 'running', '']);
    expect((await ask(2, `KILL QUERY ${String(qid)}`)).error).toMatch(/^no such query id: \d+$/);
    const killed = await ask(2, `KILL QUERY ${String(qid)} ON "${String(host)}"`);
    expect(killed).toEqual({ error: undefined, rows: [] });
    expect(await lastOf(response)).toContain('"error":"query interrupted"');
    await eventually(async () => {
      const left = (await ask(2, 'SHOW QUERIES')).rows;
      expect(left.filter(([, , , text]) => String(text).includes('fill(0)'))).toEqual([]);
    }, 10_000);
    expect((await ask(2, 'KILL QUERY 1 ON "nobody:8088"')).error).toBe('node not found: nobody:8088'); // prettier-ignore
  },
  limitMs,
);

/** What SHOW QUERIES says besides the queries. */
async function saidAt(number: number): Promise<readonly string[]> {
  const body = new URLSearchParams({ q: 'SHOW QUERIES' });
  const response = await fetch(`${cluster.url('data', number)}/query`, { method: 'POST', body });
  const { results } = (await response.json()) as { results: { messages?: { text: string }[] }[] };
  return (results[0]?.messages ?? []).map(({ text }) => text);
}

test('cluster queries: a node that stands still is left out of SHOW QUERIES, which says so, until it goes on', async () => {
  const pid = cluster.pid('data-2');
  process.kill(pid, 'SIGSTOP');
  try {
    const leftOut = /^data node \S+ does not answer, its queries are left out$/;
    expect(await saidAt(1)).toEqual([expect.stringMatching(leftOut)]);
  } finally {
    process.kill(pid, 'SIGCONT');
  }
  await eventually(async () => expect(await saidAt(1)).toEqual([]), 10_000);
});

/** How many parts of queries and lists the engine workers of a node are at. */
async function streamsAt(number: number): Promise<number> {
  return Number((await ask(number, "SHOW STATS FOR 'engine'")).rows[0]?.[0]);
}

/** The query with this in its text; a node that has much to do may be left out of a list. */
async function shownOne(number: number, part: string): Promise<readonly unknown[]> {
  let found: readonly unknown[] | undefined;
  await eventually(async () => {
    found = (await shownAt(number)).find(([, , , text]) => String(text).includes(part));
    expect(found).toBeDefined();
  }, 10_000);
  return found ?? [];
}

/** Queries other than the one that asks. */
async function shownAt(number: number): Promise<readonly unknown[][]> {
  const { rows } = await ask(number, 'SHOW QUERIES');
  return rows.filter(([, , , text]) => text !== 'SHOW QUERIES');
}

/** Patterns that take their time over a long text and fit none: minutes for all that is there. */
const slow = (name: string) =>
  Array.from({ length: 400 }, (_, i) => `${name} =~ /^(.*a.*b.*c.*d.*){4}z${i}$/`).join(' OR ');
const filler = 'abcd efgh '.repeat(25);

test.each([
  { of: 'points', q: `SELECT count(v) FROM texts WHERE ${slow('s')}` },
  { of: 'series', q: `SELECT count(v) FROM names WHERE ${slow('n')}` },
  { of: 'values of tags', q: `SHOW TAG VALUES FROM names WITH KEY = n WHERE ${slow('n')}` },
])(
  'cluster queries: one that works at $of is ended on both nodes by KILL QUERY through either',
  async ({ of, q }) => {
    const count = of === 'points' ? 40_000 : 20_000;
    const line = (i: number) => of === 'points' ? `texts,host=h${i % hostCount} v=1i,s="${filler}${i}" ${i}` : `names,n=${filler.replaceAll(' ', '_')}${i} v=1i 1`; // prettier-ignore
    const lines = Array.from({ length: count }, (_, i) => line(i)).join('\n');
    expect(await cluster.write(1, lines, 'all')).toBe('204');
    for (const through of [1, 2]) {
      const answer = ask(1, q);
      await eventually(async () => {
        expect([await streamsAt(1), await streamsAt(2)]).toEqual([1, 1]);
      }, 10_000);
      const [qid, nodeId, host] = await shownOne(through, '');
      expect(nodeId).toBe(nodeIds[0]);
      const killed = await ask(through, `KILL QUERY ${String(qid)} ON "${String(host)}"`);
      expect(killed.error).toBeUndefined();
      expect((await answer).error).toBe('query interrupted');
      await eventually(async () => {
        const seen = [await shownAt(1), await shownAt(2), await streamsAt(1), await streamsAt(2)];
        expect(seen).toEqual([[], [], 0, 0]);
      }, 5_000);
    }
  },
  limitMs,
);

/** The end of an answer, which is read as it comes and not kept. */
async function lastOf(response: Response): Promise<string> {
  let last = '';
  for await (const part of response.body ?? []) last = (last + Buffer.from(part).toString()).slice(-1_000); // prettier-ignore
  return last;
}

test(
  'cluster queries: without a node lists are those of the others, deletes say so, and it makes up for them',
  async () => {
    const url = `${cluster.url('data', 1)}/write?db=copied&consistency=all`;
    expect((await fetch(url, { method: 'POST', body: 'gone v=1i 1\nstays v=1i 1' })).status).toBe(204); // prettier-ignore
    const place = { db: 'copied', from: 'gone' };
    expect([await countAt(1, 1, place), await countAt(1, 2, place)]).toEqual([1, 1]);
    const own = await countAt(1, 1, { db: 'd', from: 'm' });
    await cluster.kill('data-2');
    const values = await ask(1, 'SHOW TAG VALUES WITH KEY = host');
    expect(values.error).toBeUndefined();
    expect(values.rows.length).toBe(own);
    const pinned = await ask(1, 'SELECT count(v) FROM stays', { db: 'copied', node_id: String(nodeIds[1]) }); // prettier-ignore
    expect(pinned.error).toMatch(/^shard \d+ is unavailable: /);
    const unpinned = await ask(1, 'SELECT count(v) FROM stays', { db: 'copied' });
    expect(unpinned.rows[0]?.[1]).toBe(1);
    const { error } = await ask(1, 'DROP MEASUREMENT gone', { db: 'copied' });
    expect(error).toMatch(new RegExp(`^partial success, node ${nodeIds[1]} may be down \\(.+\\)$`));
    expect(await countAt(1, 1, place)).toBe(0);
    cluster.startByHand('data-2');
    await eventually(async () => expect(await countAt(1, 2, place)).toBe(0), 60_000);
    expect(await countAt(1, 2, { db: 'copied', from: 'stays' })).toBe(1);
  },
  limitMs,
);

test(
  'cluster queries: what a node has missed of deletes and drops it makes up for, also when who keeps them dies before',
  async () => {
    const place = (db: string, from: string) => ({ db, from });
    const fill = async (db: string): Promise<void> => {
      const url = `${cluster.url('data', 1)}/write?db=${db}&consistency=all`;
      const body = 'part v=1i 1\npart v=2i 2\nrow,host=a v=1i 1\nrow,host=b v=1i 1';
      expect((await fetch(url, { method: 'POST', body })).status).toBe(204);
    };
    await ask(1, 'CREATE DATABASE dropped WITH REPLICATION 2');
    await ask(1, 'CREATE RETENTION POLICY more ON copied DURATION INF REPLICATION 2');
    await fill('copied');
    await fill('dropped');
    const more = `${cluster.url('data', 1)}/write?db=copied&rp=more&consistency=all`;
    expect((await fetch(more, { method: 'POST', body: 'p v=1i 1' })).status).toBe(204);
    expect(await countAt(1, 2, place('copied', 'more.p'))).toBe(1);
    await cluster.kill('data-2');
    const partial = new RegExp(`^partial success, node ${nodeIds[1]} may be down \\(.+\\)$`); // prettier-ignore
    for (const text of ['DELETE FROM part WHERE time = 1', "DROP SERIES FROM row WHERE host = 'a'"])
      expect([text, (await ask(1, text, { db: 'copied' })).error]).toEqual([text, expect.stringMatching(partial)]); // prettier-ignore
    // What the metas know of nobody need be told of: the node sees it for itself.
    for (const text of ['DROP DATABASE dropped', 'DROP RETENTION POLICY more ON copied'])
      expect([text, (await ask(1, text)).error]).toEqual([text, undefined]);
    await cluster.kill('data-1');
    for (const name of ['data-1', 'data-2']) cluster.startByHand(name);
    await eventually(async () => {
      expect(await countAt(1, 2, place('copied', 'part'))).toBe(1);
      expect(await countAt(1, 2, place('copied', 'row'))).toBe(1);
    }, 60_000);
    expect([await countAt(2, 1, place('copied', 'part')), await countAt(2, 1, place('copied', 'row'))]).toEqual([1, 1]); // prettier-ignore
    await eventually(async () => {
      expect((await ask(2, 'SHOW SERIES', { db: 'dropped' })).error).toBe('database not found: dropped'); // prettier-ignore
    }, 30_000);
    // Made anew under its name a database has nothing of before.
    await ask(2, 'CREATE DATABASE dropped WITH REPLICATION 2');
    await eventually(async () => {
      for (const node of [1, 2]) expect((await ask(node, 'SHOW SERIES', { db: 'dropped' })).rows).toEqual([]); // prettier-ignore
      expect((await ask(2, 'SHOW RETENTION POLICIES ON copied')).rows.map(([name]) => name)).toEqual(['autogen']); // prettier-ignore
    }, 30_000);
  },
  limitMs,
);
