import type { Attack, HostileTarget } from './attack.ts';

const database = 'own_writes';
const roundCount = 150;
const groupCount = 20;
/** Each in a shard group of its own, a week apart and no two rounds the same. */
const weekNs = 604_800_000_000_000n;
const epochNs = 1_500_000_000_000_000_000n;

/** A4: writes at the default level, each followed at once by a query of the same node; also where each makes a shard group. */
export const ownWrites: Attack = {
  id: 'A4',
  title: 'a query right after the 204, through the same node',
  run: async ({ dataUrls }) => {
    await query(
      dataUrls[0] ?? '',
      `CREATE DATABASE ${database} WITH REPLICATION ${dataUrls.length}`,
    );
    for (const url of dataUrls) await hears(url);
    const missed: string[] = [];
    await Promise.all(
      dataUrls.map(async (url, node) => {
        for (let round = 0; round < roundCount; round++) {
          const point = { name: `a${node}`, timeNs: epochNs + BigInt(round), width: round % 3 };
          if (!(await isSeen(url, point))) missed.push(`${url} round ${round}`);
        }
        for (let group = 1; group <= groupCount; group++) {
          const timeNs = epochNs + BigInt(group * dataUrls.length + node) * weekNs;
          if (!(await isSeen(url, { name: `g${node}`, timeNs, width: 0 })))
            missed.push(`${url} group ${group}`);
        }
      }),
    );
    if (missed.length > 0)
      throw new Error(`${missed.length} writes not seen by their own client: ${missed.slice(0, 5).join(', ')}`); // prettier-ignore
  },
};

interface WrittenPoint {
  readonly name: string;
  readonly timeNs: bigint;
  /** 0 for a narrow line; wide ones take their owner longer. */
  readonly width: number;
}

async function isSeen(url: string, { name, timeNs, width }: WrittenPoint): Promise<boolean> {
  const wide = Array.from({ length: width * 200 }, (_, i) => `,f${i}=${i}i`).join('');
  const response = await fetch(`${url}/write?db=${database}`, {
    method: 'POST',
    body: `${name} v=1i${wide} ${timeNs}`,
  });
  if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`);
  const text = await query(url, `SELECT v FROM ${name} WHERE time = ${timeNs}`);
  return text.includes('"values"');
}

/** Another node hears of a database a moment after it was made. */
async function hears(url: string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if ((await query(url, 'SHOW DATABASES')).includes(`"${database}"`)) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} never heard of the database`);
}

async function query(url: string, q: string): Promise<string> {
  const body = new URLSearchParams({ q, db: database });
  const response = await fetch(`${url}/query`, { method: 'POST', body });
  return response.text();
}

/** Bodies of many shards and many small writes at once: what ended the connection between healthy nodes (A1, A7). */
export const manyShards: Attack = {
  id: 'A1',
  title: 'bodies over 300 shards and single points without a pause, at RF 2',
  run: async (target) => {
    const [url = ''] = target.dataUrls;
    const name = 'many_shards';
    const make = `CREATE DATABASE ${name} WITH DURATION INF REPLICATION ${target.dataUrls.length} SHARD DURATION 1h`;
    await query(url, make);
    const body = Array.from({ length: 320 }, (_, i) => `m v=${i}i ${epochNs + BigInt(i) * 3_600_000_000_000n}`); // prettier-ignore
    await mustWrite(`${url}/write?db=${name}&consistency=all`, body.join('\n'));
    const lanes = Array.from({ length: 16 }, async (_, lane) => {
      for (let i = 0; i < 125; i++)
        await mustWrite(`${url}/write?db=${name}&consistency=all`, `s${lane} v=1i ${epochNs + BigInt(i)}`); // prettier-ignore
    });
    for (let round = 0; round < 3; round++)
      await mustWrite(`${url}/write?db=${name}`, body.join('\n'));
    await Promise.all(lanes);
    await everyOwnerHas(target, name, 'SELECT count(v) FROM m', 320);
  },
};

async function mustWrite(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'POST', body });
  if (response.status !== 204) throw new Error(`${response.status} ${await response.text()}`);
}

async function everyOwnerHas(
  { dataUrls }: HostileTarget,
  name: string,
  q: string,
  wanted: number,
): Promise<void> {
  for (const url of dataUrls) {
    const body = new URLSearchParams({ q, db: name });
    const response = await fetch(`${url}/query`, { method: 'POST', body });
    const text = await response.text();
    if (!text.includes(`,${wanted}]`)) throw new Error(`${url} has not all points: ${text.slice(0, 300)}`); // prettier-ignore
  }
}
