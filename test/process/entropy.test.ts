import { spawnSync } from 'node:child_process';
import { appendFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { hasMount, SmallDisk } from '../support/small-disk.ts';

const limitMs = 180_000;
const patienceMs = 60_000;
const root = join(import.meta.dirname, '../..');
const cluster = new DevCluster(10_700, '--metas', '1');
let disk: SmallDisk | undefined;
afterAll(async () => {
  disk?.unmount();
  await cluster.stop();
}, limitMs);

const head = 'ID  Database  Retention Policy  Start  End  Expires  Status\n';
const nothing = `Entropy\n==========\n${head}`;
const question = 'SELECT count(f), sum(f), count(s), count(i) FROM m GROUP BY h';

function run(program: string, ...args: readonly string[]): string {
  const { stdout, stderr } = spawnSync(join(root, 'bin', program), args, { encoding: 'utf8' });
  return stdout + stderr;
}

function entropy(...args: readonly string[]): string {
  const config = join(cluster.dir, 'meta-1/influxdb-meta.conf');
  return run('influxd-ctl', '-config', config, 'entropy', ...args);
}

const up = new Set(['data-1', 'data-2']);

async function down(name: string): Promise<void> {
  await cluster.kill(name);
  up.delete(name);
}

function begin(name: string): void {
  cluster.startByHand(name);
  up.add(name);
}

/** Without what they keep for each other, or bring after a kill (decision 137): nothing is equal by itself then. */
async function restart(between: () => void = () => undefined): Promise<void> {
  for (const name of [...up]) await down(name);
  for (const name of ['data-1', 'data-2']) {
    rmSync(join(cluster.dir, name, 'hh'), { recursive: true, force: true });
    writeFileSync(join(cluster.dir, name, 'meta/ended'), '');
  }
  between();
  begin('data-1');
  begin('data-2');
  await eventually(() => cluster.query(1, question), patienceMs);
  await eventually(() => cluster.query(2, question), patienceMs);
}

/** What each owner answers while the other is down. */
async function answersAlone(asks = question): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const [asked, away] of [
    [1, 2],
    [2, 1],
  ] as const) {
    // prettier-ignore
    await down(`data-${away}`);
    let said = '';
    await eventually(async () => {
      said = await cluster.query(asked, asks);
      if (said.includes('error')) throw new Error(said);
    }, patienceMs);
    answers.push(said);
    begin(`data-${away}`);
    await eventually(() => cluster.query(away, question), patienceMs);
  }
  return answers;
}

async function shows(wanted: RegExp | string): Promise<string> {
  let said = '';
  await eventually(() => {
    said = entropy('show', '-v');
    if (typeof wanted === 'string' ? said !== wanted : !wanted.test(said)) throw new Error(said);
    return Promise.resolve();
  }, patienceMs);
  return said;
}

/** A database of one shard whose points one node was not there for; what waited for it is lost. */
async function loses(
  database: string,
  losing: number,
  { all, lost }: { readonly all: string; readonly lost: string },
): Promise<void> {
  const made = await cluster.query(1, `CREATE DATABASE ${database} WITH REPLICATION 2 SHARD DURATION 7d`); // prettier-ignore
  expect(made).not.toContain('error');
  expect(await cluster.write(1, all, 'all', database)).toBe('204');
  await down(`data-${losing}`);
  await eventually(async () => {
    expect(await cluster.write(3 - losing, lost, 'one', database)).toBe('204');
  }, patienceMs);
  await restart();
}

/**
 * The owners of a database's one shard come to be equal, for less than 3 % of its bytes. Of scattered values the 32 bits of a hash are
 * asked for: one in eleven such repairs of 2,000 among 200,000 brings one that was there, too (decision 71).
 */
async function repairs(
  database: string,
  valueCount: number,
  { alikeMax = 0 }: { readonly alikeMax?: number } = {},
): Promise<void> {
  const asked = 'SELECT count(f), sum(f) FROM b GROUP BY h';
  await eventually(() => cluster.query(1, asked, database), patienceMs);
  const differs = new RegExp(`^(\\d+) +${database} .*diff$`, 'm');
  const [, id = ''] = differs.exec(await shows(differs)) ?? [];
  expect(entropy('repair', id)).toBe(`Repair Shard ${id} queued\n`);
  await shows(nothing);
  const sums = [await sumOf(1), await sumOf(2)];
  const repaired = sums.reduce((sum, one) => sum + one('valuesRepaired'), 0);
  const movedBytes = sums.reduce((sum, one) => sum + one('bytesRx'), 0);
  expect(repaired).toBeGreaterThanOrEqual(valueCount);
  expect(repaired).toBeLessThanOrEqual(valueCount + alikeMax);
  const folder = join(cluster.dir, `backup-${database}`);
  run('influxd-ctl', '-config', join(cluster.dir, 'meta-1/influxdb-meta.conf'), 'backup', '-db', database, '-gzipCompressionLevel', 'none', folder); // prettier-ignore
  const shardBytes = readdirSync(folder).filter((name) => name.includes(`.s${id}.`)).reduce((sum, name) => sum + statSync(join(folder, name)).size, 0); // prettier-ignore
  expect(shardBytes).toBeGreaterThan(1_000_000);
  expect(movedBytes).toBeLessThan(shardBytes * 0.03);
  expect(movedBytes).toBeGreaterThan(valueCount * 8);
}

/** What a node's service has counted since it began. */
async function sumOf(node: number): Promise<(name: string) => number> {
  const counted = await cluster.values(node, "SHOW STATS FOR 'ae'");
  const text = await cluster.query(node, "SHOW STATS FOR 'ae'");
  const { series = [] } = (JSON.parse(text) as { results: { series?: { columns: string[] }[] }[] }).results[0] ?? {}; // prettier-ignore
  return (name) => Number(counted[0]?.[series[0]?.columns.indexOf(name) ?? -1] ?? 0);
}

test(
  'entropy show: shards whose owners have the same points are equal however they came to be, others are named',
  async () => {
    await cluster.start();
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 1d');
    const lines = Array.from({ length: 40_000 }, (_, i) => `m,h=h${i % 100} f=${i / 3},s="t${i % 50}" ${i * 5_000_000_000}`); // prettier-ignore
    expect(await cluster.write(1, lines.join('\n'), 'all')).toBe('204');
    expect(entropy('show')).toBe(nothing);
    // One that was away, and for whom what it missed is lost.
    await down('data-2');
    expect(await cluster.write(1, 'm,h=h3 f=1 86400000000005\nm,h=h4 i=5i 86400000000006', 'one')).toBe('204'); // prettier-ignore
    await restart(() => {
      for (const name of ['data-1', 'data-2']) {
        const config = join(cluster.dir, name, 'influxdb.conf');
        appendFileSync(config, '\n[anti-entropy]\nenabled = true\ncheck-interval = "1s"\n');
      }
    });
    const said = await shows(/diff$/m);
    expect(said).toMatch(/^\d+ +d +autogen +1970-01-02 00:00:00 \+0000 UTC +1970-01-03 00:00:00 \+0000 UTC +diff$/m); // prettier-ignore
    expect(said.match(/diff$/gm)?.length).toBe(1);
    const counts = [...said.matchAll(/: (\d+) values, (\d+) of 1024 parts differ/g)];
    const [first, second] = counts.map(([, values, parts]) => [Number(values), Number(parts)]);
    expect(Math.abs((first?.[0] ?? 0) - (second?.[0] ?? 0))).toBe(2);
    expect(second?.[1]).toBe(2);
  },
  limitMs,
);

test(
  'entropy repair: the owners get what they lack of each other, and a shard is named as the reference names it',
  async () => {
    const status = async (): Promise<unknown> =>
      (await fetch(`${cluster.url('data', 2)}/shard-repair/status`)).json();
    const shard = { database: 'd', retention_policy: 'autogen', start_time: '86400000000000', end_time: '172800000000000', expires: '0', status: 'diff' }; // prettier-ignore
    let id = '';
    await eventually(async () => {
      const { shards } = (await status()) as {
        readonly shards: readonly { readonly id: string }[];
      };
      expect(shards).toEqual([{ id: expect.stringMatching(/^\d+$/) as string, ...shard }]);
      id = shards[0]?.id ?? '';
    }, patienceMs);
    expect(entropy('repair', '99')).toContain('shard not found for id: 99');
    expect(entropy('repair', id)).toBe(`Repair Shard ${id} queued\n`);
    await shows(nothing);
    await eventually(async () => {
      expect(await status()).toEqual({ shards: [], queued_shards: [], processing_shards: [] });
    }, patienceMs);
    const [left, right] = await answersAlone();
    expect(left === right).toBe(true);
    // One host has a value more now.
    expect(left?.match(/\[0,401,/g)?.length).toBe(1);
  },
  limitMs,
);

test(
  'entropy: a disk that was wiped is filled again by itself, and deletes that its node missed hold',
  async () => {
    const before = await cluster.query(1, question);
    await restart(() => {
      rmSync(join(cluster.dir, 'data-2/data'), { recursive: true });
      rmSync(join(cluster.dir, 'data-2/wal'), { recursive: true });
    });
    await shows(nothing);
    const [left, right] = await answersAlone();
    expect([left === before, right === before]).toEqual([true, true]);
    // The delete waits for the node that is down in a queue that is lost.
    await down('data-2');
    await cluster.query(1, "DELETE FROM m WHERE h = 'h7'");
    await restart();
    for (const [, id = ''] of entropy('show').matchAll(/^(\d+) .*diff$/gm)) entropy('repair', id);
    await shows(nothing);
    const [one, other] = await answersAlone();
    expect(one === other).toBe(true);
    expect(one?.includes('"h7"')).toBe(false);
  },
  limitMs,
);

test(
  'entropy: a hundredth of the points is found and brought, and little more than they travels',
  async () => {
    // Values that nothing makes smaller: the same bytes on the disk and on the way.
    const value = (i: number): number => Math.sin(i * i) * 1_000;
    const lines = (isWanted: (host: number) => boolean): string =>
      Array.from({ length: 200_000 }, (_, i) => isWanted(i % 100) ? `b,h=h${i % 100} f=${value(i)} ${345_600_000_000_000 + i * 2_000_000_000}\n` : '').join(''); // prettier-ignore
    await loses('big', 1, { all: lines((host) => host !== 7), lost: lines((host) => host === 7) });
    await repairs('big', 2_000);
  },
  limitMs,
);

test.each([1, 2])(
  'entropy: a hundredth of the points of data node %i, lost here and there all over the shard, is found and brought for 3 percent of its bytes',
  async (losing) => {
    const database = `scattered${losing}`;
    const value = (i: number): number => Math.sin(i * i) * 1_000;
    const isLost = (i: number): boolean => Math.imul(i + losing, 0x9e3779b1) >>> 0 < 2 ** 32 / 100;
    let lostCount = 0;
    const lines = (isWanted: boolean): string => {
      const texts: string[] = [];
      for (let i = 0; i < 200_000; i++)
        if (isLost(i) === isWanted) texts.push(`b,h=h${i % 100} f=${value(i)} ${345_600_000_000_000 + i * 2_000_000_000}`); // prettier-ignore
      if (isWanted) lostCount = texts.length;
      return texts.join('\n');
    };
    await loses(database, losing, { all: lines(false), lost: lines(true) });
    expect(lostCount).toBeGreaterThan(1_900);
    await repairs(database, lostCount, { alikeMax: 8 });
    const [left, right] = await answersAlone(
      `SELECT count(f), sum(f) FROM ${database}..b GROUP BY h`,
    );
    expect(left === right).toBe(true);
  },
  limitMs,
);

test(
  'entropy repair: whichever owner is killed while it goes on, both end with all that either had',
  async () => {
    await cluster.query(1, 'CREATE DATABASE killed WITH REPLICATION 2 SHARD DURATION 7d');
    const lines = (isWanted: (i: number) => boolean): string =>
      Array.from({ length: 200_000 }, (_, i) => isWanted(i) ? `k,h=h${i % 1_000} f=${i} ${345_600_000_000_000 + i * 2_000_000_000}\n` : '').join(''); // prettier-ignore
    // A third of them is nobody's but one owner's, on each side.
    const isOf = (side: number) => (i: number) => Math.floor(i / 1_000) % 3 === side;
    expect(await cluster.write(1, lines(isOf(0)), 'all', 'killed')).toBe('204');
    for (const side of [1, 2]) {
      await down(`data-${3 - side}`);
      await eventually(async () => {
        expect(await cluster.write(side, lines(isOf(side)), 'one', 'killed')).toBe('204');
      }, patienceMs);
      await restart();
    }
    const differs = /^(\d+) +killed .*diff$/m;
    const [, id = ''] = differs.exec(await shows(differs)) ?? [];
    for (const victim of [2, 1, 2]) {
      entropy('repair', id);
      await down(`data-${victim}`);
      begin(`data-${victim}`);
      await eventually(() => cluster.query(victim, question), patienceMs);
    }
    await eventually(() => {
      const said = entropy('show');
      if (said === nothing) return Promise.resolve();
      if (differs.test(said)) entropy('repair', id);
      throw new Error(said);
    }, limitMs / 2);
    const [left, right] = await answersAlone('SELECT count(f), sum(f) FROM killed..k');
    expect(left === right).toBe(true);
    expect(left).toContain(`,200000,${(200_000 * 199_999) / 2}]`);
  },
  limitMs,
);

test.runIf(hasMount)(
  'entropy repair: an owner whose disk is full goes on to answer, and has all once there is room again',
  async () => {
    await cluster.query(1, 'CREATE DATABASE full WITH REPLICATION 2 SHARD DURATION 7d');
    const lines = (from: number, to: number): string =>
      Array.from({ length: to - from }, (_, i) => `w,h=h${i % 100} s="${Math.sin(from + i)} ${Math.cos(from + i)}",f=${i} ${345_600_000_000_000 + (from + i) * 2_000_000_000}`).join('\n'); // prettier-ignore
    expect(await cluster.write(1, lines(0, 50_000), 'all', 'full')).toBe('204');
    await down('data-2');
    for (let from = 50_000; from < 150_000; from += 50_000)
      await eventually(async () => {
        expect(await cluster.write(1, lines(from, from + 50_000), 'one', 'full')).toBe('204');
      }, patienceMs);
    await restart(() => {
      disk = new SmallDisk(join(cluster.dir, 'small-disk'), 512);
      disk.takeOver(join(cluster.dir, 'data-2'), ['data', 'wal']);
      disk.fill(1 << 20);
    });
    const differs = /^(\d+) +full .*diff$/m;
    const [, id = ''] = differs.exec(await shows(differs)) ?? [];
    expect(entropy('repair', id)).toBe(`Repair Shard ${id} queued\n`);
    await eventually(async () => {
      const failed = [(await sumOf(1))('errors'), (await sumOf(2))('errors')];
      if (Math.max(...failed) === 0) throw new Error('no repair has failed');
    }, patienceMs);
    const asked = 'SELECT count(f), count(s) FROM "full"..w WHERE h = \'h7\'';
    for (const node of [1, 2]) expect(await cluster.query(node, asked)).toContain('series');
    expect(entropy('show')).toMatch(differs);
    disk?.empty();
    await eventually(() => {
      const said = entropy('show');
      if (said === nothing) return Promise.resolve();
      if (differs.test(said)) entropy('repair', id);
      throw new Error(said);
    }, limitMs / 2);
    const [left, right] = await answersAlone('SELECT count(f), count(s), sum(f) FROM "full"..w');
    expect(left === right).toBe(true);
    expect(left).toContain(',150000,150000,');
  },
  limitMs,
);
