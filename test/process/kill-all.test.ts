import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const cluster = new DevCluster(11_000, '--metas', '1');
const limitMs = 240_000;
afterAll(() => cluster.stop(), limitMs);

/** Four clients write until the cluster dies under them; answers the times of the acknowledged points. */
async function load(round: number, forMs: number): Promise<readonly number[]> {
  const acknowledged: number[] = [];
  let isOver = false;
  const client = async (id: number): Promise<void> => {
    for (let i = 0; !isOver; i++) {
      const times = Array.from({ length: 20 }, (_, k) => ((round * 4 + id) * 100_000 + i) * 20 + k);
      const lines = times.map((time) => `m,client=c${id} f=${time} ${time}`).join('\n');
      try {
        if ((await cluster.write(1 + (i % 2), lines, 'all')) === '204') acknowledged.push(...times);
      } catch {
        isOver = true;
      }
    }
  };
  const clients = [0, 1, 2, 3].map(client);
  await new Promise((resolve) => setTimeout(resolve, forMs));
  await cluster.killAll();
  isOver = true;
  await Promise.all(clients);
  return acknowledged;
}

test(
  'kill -9 of the whole cluster under load, five times: every acknowledged point is there',
  async () => {
    const acknowledged: number[] = [];
    await cluster.start();
    expect(await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2')).toContain(
      'statement_id',
    );
    for (let round = 0; round < 5; round++) {
      acknowledged.push(...(await load(round, 700 + 150 * round)));
      await cluster.start();
      for (const node of [1, 2]) {
        let stored = new Set<unknown>();
        await eventually(async () => {
          stored = new Set((await cluster.values(node, 'SELECT f FROM m')).map(([time]) => time));
        }, 30_000);
        const lost = acknowledged.filter((time) => !stored.has(time));
        expect({ round, node, lost: lost.length }).toEqual({ round, node, lost: 0 });
      }
    }
    expect(acknowledged.length).toBeGreaterThan(1_000);
  },
  limitMs,
);
