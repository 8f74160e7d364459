/**
 * A disk that was wiped, whose shard is brought back slowly, and is given up on the way: by `kill-copy-shard` as a copy is, by
 * `entropy kill-repair`, and by a kill -9 of its node. Half of the shard is never an answer, and the next repair brings all of it.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, onTestFinished, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const patienceMs = 60_000;
const cluster = new DevCluster(13_500, '--metas', '1', '--data', '2');
afterAll(() => cluster.stop(), limitMs);

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

/** Asks that node all the time; whatever it answers that is no error. */
function reads(): { readonly seen: ReadonlySet<string>; end(): Promise<void> } {
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
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 7d');
    // Values that nothing makes smaller: some seconds' worth of that throughput.
    const lines = Array.from({ length: 100_000 }, (_, i) => `m,h=h${i % 100} f=${Math.sin(i * i)} ${BigInt(i) * 1_000_000_000n}`); // prettier-ignore
    expect(await cluster.write(1, lines.join('\n'), 'all')).toBe('204');
    const whole = await cluster.query(1, question);
    await cluster.kill('data-2');
    for (const part of ['data', 'wal'])
      rmSync(join(cluster.dir, 'data-2', part), { recursive: true });
    cluster.startByHand('data-2');
    const reading = reads();
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
