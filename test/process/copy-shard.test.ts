import { createHash } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 120_000;
const waitMs = 60_000;
const offset = 21_000;
const nodes = [1, 2, 3];
const cluster = new DevCluster(offset, '--metas', '1', '--data', '3');
/** Copies of some megabytes take some seconds. */
const throughput = { INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '1m' };

beforeAll(async () => {
  await cluster.start(throughput);
  const made = await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 1 SHARD DURATION 1d');
  expect(made).not.toContain('error');
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

interface Shard {
  readonly id: number;
  /** Numbers of nodes. */
  readonly owners: readonly number[];
  readonly 'truncated-at': string;
}

const address = (node: number) => `127.0.0.1:${8088 + offset + 100 * (node - 1)}`;
const dayNs = (day: number) => BigInt(day) * 86_400_000_000_000n;

/** What a node has on its disk of a shard: itself, and what goes to and comes from other nodes. */
function foldersOf(node: number, shardId: number): readonly string[] {
  const names = readdirSync(join(cluster.dir, `data-${node}/data`), {
    recursive: true,
  }) as string[];
  return names.filter((name) => new RegExp(`^d/autogen/${shardId}(\\.[^/]*)?$`).test(name));
}

async function shards(): Promise<readonly Shard[]> {
  const answer = await fetch(`${cluster.url('meta', 1)}/show-shards`);
  const all = (await answer.json()) as readonly (Omit<Shard, 'owners'> & { owners: { tcpAddr: string }[] })[]; // prettier-ignore
  const ownersOf = (addresses: readonly string[]) => nodes.filter((node) => addresses.includes(address(node))); // prettier-ignore
  return all.map((shard) => ({ ...shard, owners: ownersOf(shard.owners.map((one) => one.tcpAddr)) })); // prettier-ignore
}

/** A shard of one owner that has megabytes of points of a day, and nodes that have nothing of it. */
async function makeShard(day: number) {
  const lineOf = (i: number): string => {
    const text = createHash('shake256', { outputLength: 500 }).update(`${i}`).digest('hex');
    return `m,c=c s="${text}" ${dayNs(day) + 1_000_000_000n + BigInt(i)}`;
  };
  const known = new Set((await shards()).map(({ id }) => id));
  for (let i = 0; i < 6; i++) {
    const lines = Array.from({ length: 1_000 }, (_, k) => lineOf(i * 1_000 + k));
    expect(await cluster.write(1, lines.join('\n'), 'all')).toBe('204');
  }
  for (const { id, owners } of await shards()) {
    const [source = 0] = owners;
    if (known.has(id) || foldersOf(source, id).length === 0) continue;
    const [destination = 0, other = 0] = nodes.filter((node) => node !== source);
    return { id, source, destination, other, place: [address(source), address(destination), `${id}`] }; // prettier-ignore
  }
  throw new Error('no shard has the points');
}

const ownersOf = async (id: number) => (await shards()).find((shard) => shard.id === id)?.owners;

/** Points of a day one after the other, by a node, until it is told to end. */
function load(node: number, day: number) {
  const acknowledged: string[] = [];
  const ending = new AbortController();
  const run = (async () => {
    for (let i = 0; !ending.signal.aborted; i++) {
      const times = Array.from({ length: 20 }, (_, k) => `${dayNs(day) + BigInt(i * 20 + k)}`);
      const lines = times.map((time) => `m,c=c f=1 ${time}`).join('\n');
      const answer = await cluster.write(node, lines, 'one').catch(() => 'the node is away');
      if (answer === '204') acknowledged.push(...times);
    }
  })();
  const end = async (): Promise<readonly string[]> => {
    ending.abort();
    await run;
    return acknowledged;
  };
  return { acknowledged, end };
}

/** The points of a day that a node answers with, in two numbers. */
async function counts(node: number, day: number): Promise<readonly unknown[]> {
  const where = `time >= ${dayNs(day)} AND time < ${dayNs(day + 1)}`;
  const [values = []] = await cluster.values(node, `SELECT count(f), count(s) FROM m WHERE ${where}`); // prettier-ignore
  return values.slice(1);
}

async function missing(
  node: number,
  day: number,
  times: readonly string[],
): Promise<readonly string[]> {
  const where = `time >= ${dayNs(day)} AND time < ${dayNs(day + 1)}`;
  const rows = await cluster.query(node, `SELECT f FROM m WHERE ${where}`);
  const stored = new Set([...rows.matchAll(/\[(\d+),1\]/g)].map(([, time]) => time));
  return times.filter((time) => !stored.has(time));
}

const status = async () => (await cluster.ctl(['copy-shard-status'])).text;
const head =
  /^Source +Dest +Database +Policy +ShardID +TotalSize +CurrentSize +StartedAt +Rate +Left\n/;

/** Resolves once some of the shard has come and some has not. */
async function underWay(place: readonly string[]): Promise<string> {
  let said = '';
  await eventually(async () => {
    said = await status();
    const [source = '', destination = '', id = ''] = place;
    const row = new RegExp(`^${source} +${destination} +d +autogen +${id} +(\\d+) +(\\d+) +\\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\d:\\d\\d(?:\\.\\d+)? \\+0000 UTC +\\d+/s +(?:-|\\d+s)$`, 'm'); // prettier-ignore
    const [, total = '0', current = '0'] = row.exec(said) ?? [];
    const isBetween = Number(current) > 0 && Number(current) < Number(total);
    if (!isBetween) throw new Error(`not in the midst: ${said}`);
  }, waitMs);
  expect(said).toMatch(head);
  return said;
}

test(
  'copy-shard: a shard is copied under load, and its new owner alone has all that was acknowledged',
  async () => {
    const shard = await makeShard(1);
    const writing = load(shard.other, 1);
    const copying = cluster.ctl(['copy-shard', ...shard.place]);
    await underWay(shard.place);
    const before = writing.acknowledged.length;
    expect(before).toBeGreaterThan(0);
    // Asked for again, it goes on as it was.
    const twice = await cluster.ctl(['copy-shard', ...shard.place]);
    expect(twice.code).toBe(1);
    expect(twice.text).toMatch(
      /operation exited with error: shard \d+ is being copied to node \d+\n/,
    );
    const [source, destination] = shard.place;
    const copied = `Copied shard ${shard.id} from ${source} to ${destination}\n`;
    expect(await copying).toEqual({ code: 0, text: copied });
    const acknowledged = await writing.end();
    expect(acknowledged.length).toBeGreaterThan(before);
    expect(await ownersOf(shard.id)).toEqual([shard.source, shard.destination].sort());
    const shown = (await cluster.ctl(['show-shards'])).text;
    const owners = shown.split('\n').find((line) => line.startsWith(`${shard.id} `));
    for (const place of [source, destination]) expect(owners).toContain(` ${place}}`);
    expect(await status()).toMatch(new RegExp(`${head.source}$`));
    await cluster.kill(`data-${shard.source}`);
    for (const node of [shard.destination, shard.other]) {
      expect(await missing(node, 1, acknowledged)).toEqual([]);
      expect((await counts(node, 1))[1]).toBe(6_000);
    }
    cluster.startByHand(`data-${shard.source}`);
    await eventually(() => counts(shard.source, 1), waitMs);
  },
  limitMs,
);

test(
  'copy-shard: what cannot be done is refused with its text, by the route and by influxd-ctl',
  async () => {
    const owned = (await shards()).find(({ owners }) => owners.length === 2);
    const [source = 0, destination = 0] = owned?.owners ?? [];
    const [other = 0] = nodes.filter((node) => node !== source && node !== destination);
    const [src, dest, none] = [address(source), address(destination), '127.0.0.1:1'];
    const shard = `${owned?.id ?? 0}`;
    const ask = async (route: string, form: Readonly<Record<string, string>>): Promise<string> => {
      const body = new URLSearchParams(form);
      const answer = await fetch(`${cluster.url('meta', 1)}/${route}`, { method: 'POST', body });
      return `${answer.status} ${await answer.text()}`.trim();
    };
    const owner = `"${address(other)}" is not an owner of shard ${shard}`;
    const cases = [
      [{ dest, shard }, 400, `'src' is a required parameter`],
      [{ src, shard }, 400, `'dest' is a required parameter`],
      [{ src, dest }, 400, `'shard' is a required parameter`],
      [{ src, dest: src, shard }, 400, 'dest and src are the same'],
      [{ src: none, dest, shard }, 400, `unable to find node for "${none}"`],
      [{ src, dest: none, shard }, 400, `unable to find node for "${none}"`],
      [{ src, dest, shard: 'x' }, 400, 'error converting shard to int: x'],
      [{ src, dest, shard: '0' }, 400, `invalid parameter value for 'shard': shard id must be greater than 0`],
      [{ src, dest, shard: '99' }, 400, 'shard not found for id: 99'],
      [{ src: address(other), dest, shard }, 400, owner],
    ] as const; // prettier-ignore
    for (const [form, code, error] of cases)
      expect(await ask('copy-shard', form)).toBe(`${code} ${JSON.stringify({ error })}`);
    const twice = await ask('copy-shard', { src, dest, shard });
    expect(twice).toMatch(/^409 {"error":"shard \d+ is on node \d+ already"}$/);
    expect((await counts(destination, 1))[1]).toBe(6_000);
    const idle = `shard ${shard} is not being copied from "${src}" to "${dest}"`;
    expect(await ask('kill-copy-shard', { src, dest, shard })).toBe(`400 ${JSON.stringify({ error: idle })}`); // prettier-ignore
    const refused = async (command: string, ...args: readonly string[]): Promise<string> => {
      const { code, text } = await cluster.ctl([command, ...args]);
      expect(code).toBe(1);
      return text;
    };
    const by = 'operation exited with error: ';
    expect(await refused('copy-shard', src, src, shard)).toContain('destAddr and srcAddr are the same'); // prettier-ignore
    expect(await refused('copy-shard', src, none, shard)).toContain(`${by}unable to find node for "${none}"`); // prettier-ignore
    expect(await refused('copy-shard', src, dest, '99')).toContain(`${by}shard not found for id: 99`); // prettier-ignore
    expect(await refused('copy-shard', src, dest, shard)).toMatch(/operation exited with error: shard \d+ is on node \d+ already\n/); // prettier-ignore
    expect(await refused('kill-copy-shard', src, dest, shard)).toContain(`${by}${idle}`);
    expect(foldersOf(destination, owned?.id ?? 0)).toHaveLength(1);
  },
  limitMs,
);

test(
  'kill-copy-shard: of a destination that was killed in the midst, nothing is left and nothing comes',
  async () => {
    const shard = await makeShard(3);
    const writing = load(shard.other, 3);
    const copying = cluster.ctl(['copy-shard', ...shard.place]);
    await underWay(shard.place);
    await cluster.kill(`data-${shard.destination}`);
    expect(await status()).toContain(`${shard.place.slice(0, 2).join('  ')}  d         autogen  `);
    const killing = cluster.ctl(['kill-copy-shard', ...shard.place]);
    await eventually(async () => {
      expect(await status()).toContain('discarding');
    }, waitMs);
    cluster.startByHand(`data-${shard.destination}`);
    const [source, destination] = shard.place;
    const killed = `Killed copy of shard ${shard.id} from ${source} to ${destination}\n`;
    expect(await killing).toEqual({ code: 0, text: killed });
    const { code, text } = await copying;
    expect(code).toBe(1);
    expect(text).toContain(`the copy of shard ${shard.id} was given up`);
    expect(await status()).toMatch(new RegExp(`${head.source}$`));
    const acknowledged = await writing.end();
    // What its source kept for it while it was away is not brought after all.
    await eventually(() => {
      const hints = readdirSync(join(cluster.dir, `data-${shard.source}/hh`), { recursive: true });
      expect((hints as string[]).filter((name) => name.endsWith('.hint'))).toEqual([]);
      return Promise.resolve();
    }, waitMs);
    expect(await ownersOf(shard.id)).toEqual([shard.source]);
    expect(foldersOf(shard.destination, shard.id)).toEqual([]);
    expect(foldersOf(shard.source, shard.id)).toContain(`d/autogen/${shard.id}`);
    expect(await missing(shard.destination, 3, acknowledged)).toEqual([]);
  },
  limitMs,
);

test(
  'copy-shard: goes on when its source was killed in the midst, and nothing half of it is served',
  async () => {
    const shard = await makeShard(5);
    const writing = load(shard.other, 5);
    const copying = cluster.ctl(['copy-shard', ...shard.place]);
    await underWay(shard.place);
    await cluster.kill(`data-${shard.source}`);
    for (const node of [shard.destination, shard.other])
      await expect(counts(node, 5)).rejects.toThrow();
    cluster.startByHand(`data-${shard.source}`);
    await eventually(() => counts(shard.other, 5), waitMs);
    // Either all of it or none: asked of whomever, until it has come.
    const seen: unknown[] = [];
    const ending = new AbortController();
    const done = copying.finally(() => {
      ending.abort();
    });
    while (!ending.signal.aborted) seen.push((await counts(shard.destination, 5))[1]);
    expect([...new Set(seen)]).toEqual([6_000]);
    expect(await done).toMatchObject({ code: 0 });
    const acknowledged = await writing.end();
    expect(await ownersOf(shard.id)).toEqual([shard.source, shard.destination].sort());
    await cluster.kill(`data-${shard.source}`);
    expect(await missing(shard.destination, 5, acknowledged)).toEqual([]);
    expect((await counts(shard.destination, 5))[1]).toBe(6_000);
    cluster.startByHand(`data-${shard.source}`);
    await eventually(() => counts(shard.source, 5), waitMs);
  },
  limitMs,
);

test(
  'truncate-shards: a shard that is being copied is cut, its copy goes on, and its source may leave then',
  async () => {
    // One group for a century.
    const wide = 'ALTER RETENTION POLICY autogen ON d SHARD DURATION 5200w';
    expect(await cluster.query(1, wide)).not.toContain('error');
    const today = Math.floor(Date.now() / 86_400_000);
    const day = today - 100;
    const shard = await makeShard(day);
    const writing = load(shard.other, day);
    const copying = cluster.ctl(['copy-shard', ...shard.place]);
    await underWay(shard.place);
    const truncated = { code: 0, text: 'Truncated shards.\n' };
    expect(await cluster.ctl(['truncate-shards', '-delay', '1ms'])).toEqual(truncated);
    const later = `m,c=c f=1 ${dayNs(today + 100)}`;
    expect(await cluster.write(shard.source, later, 'all')).toBe('204');
    const [source = '', , id = ''] = shard.place;
    const refused = await cluster.ctl(['remove-shard', source, id]);
    expect(refused.code).toBe(1);
    expect(refused.text).toMatch(/shard \d+ is being copied from node \d+/);
    expect(await copying).toMatchObject({ code: 0 });
    const cut = (await shards()).find((one) => one.id === shard.id);
    expect(cut?.['truncated-at']).not.toMatch(/^0001/);
    expect(cut?.owners).toEqual([shard.source, shard.destination].sort());
    expect(await cluster.ctl(['remove-shard', source, id])).toMatchObject({ code: 0 });
    const acknowledged = await writing.end();
    expect(await ownersOf(shard.id)).toEqual([shard.destination]);
    expect(foldersOf(shard.source, shard.id)).toEqual([]);
    for (const node of nodes) {
      expect(await missing(node, day, acknowledged)).toEqual([]);
      expect((await counts(node, day))[1]).toBe(6_000);
      expect(await missing(node, today + 100, [`${dayNs(today + 100)}`])).toEqual([]);
    }
  },
  limitMs,
);
