/**
 * A disk that was wiped, whose shard is brought back slowly, and is given up on the way: by `kill-copy-shard` as a copy is, by
 * `entropy kill-repair`, and by a kill -9 of its node. Half of the shard is never an answer, and the next repair brings all of it.
 */
import { readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const patienceMs = 60_000;
const cluster = new DevCluster(13_500, '--metas', '1', '--data', '2');
afterAll(() => cluster.stop(), limitMs);
/** Values that nothing makes smaller: some seconds' worth of the throughput. */
const lines = Array.from({ length: 100_000 }, (_, i) => `m,h=h${i % 100} f=${Math.sin(i * i)} ${BigInt(i) * 1_000_000_000n}`).join('\n'); // prettier-ignore

const address = (node: number): string => `127.0.0.1:${8088 + 13_500 + 100 * (node - 1)}`;
const nothing =
  'Entropy\n==========\nID  Database  Retention Policy  Start  End  Expires  Status\n';
const question = 'SELECT count(f), sum(f) FROM m';

/** What the node whose disk was wiped is doing. */
async function processing(): Promise<readonly string[]> {
  const answer = await fetch(`${cluster.url('data', 2)}/shard-repair/status?local=true`);
  return ((await answer.json()) as { readonly processing_shards: readonly string[] }).processing_shards; // prettier-ignore
}

/** Resolves once so many repairs of it were given up, by its log. */
async function givenUp(count: number): Promise<void> {
  await eventually(() => {
    const log = readFileSync(join(cluster.dir, 'data-2.log'), 'utf8');
    expect(log.match(/A repair was given up.* shard=1\b/g)?.length ?? 0).toBe(count);
    return Promise.resolve();
  }, patienceMs);
}

/** Writes a shard to both owners and wipes the disk of the second, which starts again; what all of it is answered with. */
async function wipedAfter(cluster: DevCluster, isRosterLost = false): Promise<string> {
  await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 7d');
  expect(await cluster.write(1, lines, 'all')).toBe('204');
  const whole = await cluster.query(1, question);
  await cluster.kill('data-2');
  for (const part of ['data', 'wal'])
    rmSync(join(cluster.dir, 'data-2', part), { recursive: true });
  // With its roster a node knows what it has lost, and lets nobody read it; without it has nothing.
  const meta = join(cluster.dir, 'data-2', 'meta');
  for (const name of readdirSync(meta))
    if (isRosterLost && name.startsWith('shards-')) rmSync(join(meta, name));
  cluster.startByHand('data-2');
  return whole;
}

/** Asks that node all the time; whatever it answers that is no error. */
function reads(cluster: DevCluster): { readonly seen: ReadonlySet<string>; end(): Promise<void> } {
  const seen = new Set<string>();
  const ending = new AbortController();
  const run = (async () => {
    while (!ending.signal.aborted) {
      const answer = await cluster.query(2, question).catch(() => 'error');
      if (!answer.includes('error')) seen.add(answer);
    }
  })();
  const end = (): Promise<void> => {
    ending.abort();
    return run;
  };
  onTestFinished(end);
  return { seen, end };
}

test(
  'kill-copy-shard and entropy kill-repair: a shard that is brought back to a wiped disk is let be, nobody reads half of it, and all comes with the next repair',
  async () => {
    await cluster.start({
      INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
      INFLUXDB_ANTI_ENTROPY_CHECK_INTERVAL: '1s',
      INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '128k',
    });
    const whole = await wipedAfter(cluster);
    const reading = reads(cluster);
    const begins = async (): Promise<void> => {
      await eventually(async () => {
        expect(await processing()).toEqual(['1']);
      }, patienceMs);
    };
    await begins();
    const place = [address(1), address(2), '1'];
    const [source, destination] = place;
    const killed = `Killed copy of shard 1 from ${source} to ${destination}\n`;
    expect(await cluster.ctl(['kill-copy-shard', ...place])).toEqual({ code: 0, text: killed });
    await givenUp(1);
    // The next check has found again that it is missing.
    await begins();
    const said = { code: 0, text: 'Repair Shard 1 killed\n' };
    expect(await cluster.ctl(['entropy', 'kill-repair', '1'])).toEqual(said);
    await givenUp(2);
    // An owner that lacks nothing is brought nothing, and a node that is no owner neither.
    for (const [src, dest] of [[address(2), address(1)]] as const)
      expect((await cluster.ctl(['kill-copy-shard', src, dest, '1'])).text).toContain('is not being copied'); // prettier-ignore
    await begins();
    await cluster.kill('data-2');
    cluster.startByHand('data-2');
    await eventually(async () => {
      expect(await cluster.ctl(['entropy', 'show'])).toEqual({ code: 0, text: nothing });
    }, patienceMs);
    await reading.end();
    expect([...reading.seen]).toEqual([whole]);
    await cluster.kill('data-1');
    expect(await cluster.query(2, question)).toBe(whole);
  },
  limitMs,
);

test.each([
  ['knows what it has lost', false],
  ['knows of nothing', true],
])(
  'entropy repair: asked for at an owner that has the shard, one with a wiped disk that %s gets all of it at once',
  async (_, isRosterLost) => {
    const asked = new DevCluster(13_700, '--metas', '1', '--data', '2');
    onTestFinished(() => asked.stop(), limitMs);
    await asked.start({
      INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
      INFLUXDB_ANTI_ENTROPY_CHECK_INTERVAL: '1s',
      INFLUXDB_ANTI_ENTROPY_AUTO_REPAIR_MISSING: 'false',
      INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: '512k',
    });
    const whole = await wipedAfter(asked, isRosterLost);
    const reading = reads(asked);
    const text = async (...args: readonly string[]): Promise<string> => (await asked.ctl(['entropy', ...args])).text; // prettier-ignore
    await eventually(async () => {
      expect(await text('show')).toMatch(isRosterLost ? /^1 .*missing/m : /is damaged/);
    }, patienceMs);
    // Its first owner is asked, which is the one that has it.
    expect(await text('repair', '1')).toBe('Repair Shard 1 queued\n');
    await eventually(async () => {
      expect(await text('show')).toBe(nothing);
    }, patienceMs);
    await reading.end();
    await asked.kill('data-1');
    expect(await asked.query(2, question)).toBe(whole);
    // Before the repair began it answered that it has nothing.
    const nothingYet = '{"results":[{"statement_id":0}]}';
    const seen = [...reading.seen].map((answer) => answer.trim());
    expect(seen.filter((answer) => answer !== nothingYet && answer !== whole.trim())).toEqual([]);
  },
  limitMs,
);
