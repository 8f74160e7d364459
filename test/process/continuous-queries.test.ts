import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(17_000);
const limitMs = 240_000;

beforeAll(
  () =>
    cluster.start({
      INFLUXDB_META_LEASE_DURATION: '3s',
      INFLUXDB_CONTINUOUS_QUERIES_RUN_INTERVAL: '200ms',
    }),
  limitMs,
);
afterAll(() => cluster.stop(), limitMs);

const secondNs = 1_000_000_000n;

/** How many runs of continuous queries a data node has done. */
async function ranOn(number: number): Promise<number> {
  const [row] = await cluster.values(number, "SHOW STATS FOR 'cq'");
  return Number(row?.[1]);
}

/** Writes a point each few milliseconds until it is stopped, to a node that answers. */
function startWriter(nodes: () => readonly number[]): () => Promise<void> {
  const state = { isOver: false };
  const work = async (): Promise<void> => {
    for (let i = 0; !state.isOver; i++) {
      const line = `m,host=h${i % 3} f=1i ${BigInt(Date.now()) * 1_000_000n + BigInt(i % 1_000)}`;
      const all = nodes();
      await cluster.write(all[i % all.length] ?? 1, line, 'any').catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  const working = work();
  return () => {
    state.isOver = true;
    return working;
  };
}

type Values = readonly (readonly unknown[])[];

/** The windows that the query wrote are those of the points themselves; answers how many. */
async function compare(number: number, fromNs: bigint, toNs: bigint): Promise<number> {
  const range = `time >= ${fromNs} AND time < ${toNs}`;
  const wanted = await cluster.values(number, `SELECT count(f) FROM m WHERE ${range} GROUP BY time(1s) fill(none)`); // prettier-ignore
  const written: Values = await cluster.values(number, `SELECT n FROM o WHERE ${range}`);
  expect(written).toEqual(wanted);
  return written.length;
}

test(
  'continuous queries: no window is missing when their node stands still, and when it dies',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    const select = 'SELECT count(f) AS n INTO o FROM m GROUP BY time(1s)';
    await cluster.query(1, `CREATE CONTINUOUS QUERY c ON d RESAMPLE FOR 8s BEGIN ${select} END`);
    let nodes: readonly number[] = [1, 2];
    const startNs = (BigInt(Date.now()) / 1_000n) * secondNs;
    const stopWriter = startWriter(() => nodes);
    const rows = () => cluster.values(nodes[0] ?? 1, 'SELECT count(n) FROM o');
    await eventually(async () => expect(Number((await rows())[0]?.[1])).toBeGreaterThan(2), 30_000);

    const first = (await ranOn(1)) > 0 ? 1 : 2;
    const other = 3 - first;
    nodes = [other];
    process.kill(cluster.pid(`data-${first}`), 'SIGSTOP');
    await eventually(async () => expect(await ranOn(other)).toBeGreaterThan(2), 30_000);
    process.kill(cluster.pid(`data-${first}`), 'SIGCONT');
    // The one that stood still is well again, and takes over when the other dies.
    await eventually(() => cluster.values(first, 'SELECT count(n) FROM o'), 30_000);
    const before = await ranOn(first);
    nodes = [first];
    await cluster.kill(`data-${other}`);
    await eventually(async () => expect(await ranOn(first)).toBeGreaterThan(before + 2), 60_000);
    await stopWriter();
    const endNs = (BigInt(Date.now()) / 1_000n) * secondNs;
    await eventually(async () => expect(await compare(first, startNs, endNs)).toBeGreaterThan(4), 60_000); // prettier-ignore

    await cluster.query(first, 'DROP CONTINUOUS QUERY c ON d');
    await cluster.query(first, `CREATE CONTINUOUS QUERY late ON d BEGIN ${select} END`);
    await cluster.query(first, 'DROP MEASUREMENT o');
    const time = (timeNs: bigint) => new Date(Number(timeNs / 1_000_000n)).toISOString();
    const execute = `EXECUTE CONTINUOUS QUERY late ON d FROM '${time(startNs)}' TO '${time(endNs)}'`;
    const [written] = await cluster.values(first, execute);
    expect(Number(written?.[1])).toBe(await compare(first, startNs, endNs));
  },
  limitMs,
);
