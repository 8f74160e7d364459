/**
 * A bit of the log is flipped while its node is down: one shard of many is refused there, the other owner answers and takes for it, and an operator
 * has the shard back with nothing lost (docs/operating/troubles.md, decision 10).
 */
import { closeSync, openSync, readFileSync, readdirSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const offset = 16_600;
const cluster = new DevCluster(offset, '--metas', '1', '--data', '2');
const weekNs = 604_800_000_000_000n;
const weeks = Array.from({ length: 10 }, (_, i) => BigInt(i));

/** In each week's shard. */
const pointsOf = (value: number): string =>
  weeks.map((week) => `m text="${'x'.repeat(2_000)}${value}" ${week * weekNs + BigInt(value)}`).join('\n'); // prettier-ignore

// Until somebody asks for it, the log alone has the points.
beforeAll(() => cluster.start({ INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1h' }), limitMs); // prettier-ignore
afterAll(() => cluster.stop(), limitMs);

/** In the payload of a record of points: a vouch that is damaged costs no shard anything (docs/internals/format/wal.md). */
function flipBitIn(folder: string): void {
  const paths = readdirSync(folder).filter((name) => name.endsWith('.wal')).map((name) => join(folder, name)); // prettier-ignore
  const [longest = ''] = paths.sort((a, b) => statSync(b).size - statSync(a).size);
  const bytes = readFileSync(longest);
  const headerOfPoints = Buffer.from('VWR2\u0001');
  const at = bytes.indexOf(headerOfPoints, bytes.length / 2) + 40 + 100;
  const file = openSync(longest, 'r+');
  writeSync(file, Buffer.of(bytes.readUInt8(at) ^ 4), 0, 1, at);
  closeSync(file);
}

async function failedChecks(): Promise<readonly string[]> {
  const answer = await fetch(`${cluster.url('data', 1)}/health`);
  const { checks = [] } = (await answer.json()) as { readonly checks?: readonly { readonly name: string; readonly status: string }[] }; // prettier-ignore
  return checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
}

/** How many points the first node has itself. */
async function heldByFirst(): Promise<unknown> {
  const shown = await (await fetch(`${cluster.url('meta', 1)}/show-cluster`)).json();
  const { data } = shown as { readonly data: readonly { readonly id: number; readonly tcpAddr: string }[] }; // prettier-ignore
  const id = data.find(({ tcpAddr }) => tcpAddr === `127.0.0.1:${8_088 + offset}`)?.id;
  const asked = new URLSearchParams({ db: 'd', q: 'SELECT count(text) FROM m', node_id: String(id) }); // prettier-ignore
  const answer = await fetch(`${cluster.url('data', 1)}/query?${asked.toString()}`);
  const { results } = (await answer.json()) as { readonly results: readonly { readonly error?: string; readonly series?: readonly { readonly values: readonly (readonly unknown[])[] }[] }[] }; // prettier-ignore
  return results[0]?.error ?? results[0]?.series?.[0]?.values[0]?.[1];
}

test(
  'flipped bit in the log: one shard is refused, the other owner answers and takes for it, and copy-shard brings it back with all it had',
  async () => {
    await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
    for (let value = 0; value < 50; value++)
      expect(await cluster.write(1, pointsOf(value), 'all')).toBe('204');
    await cluster.kill('data-1');
    flipBitIn(join(cluster.dir, 'data-1/wal'));
    cluster.startByHand('data-1');
    await eventually(async () => {
      expect(await cluster.values(1, 'SELECT count(text) FROM m')).toEqual([[0, 500]]);
    }, 60_000);
    const [failed = '', ...others] = await failedChecks();
    expect([failed, others]).toEqual([expect.stringMatching(/^shard \d+$/), []]);
    expect(await heldByFirst()).toMatch(/is damaged: .*: records of the shard may be lost at \d+/);
    expect(await cluster.write(1, pointsOf(50), 'one')).toBe('204');
    expect(await cluster.values(1, 'SELECT count(text) FROM m')).toEqual([[0, 510]]);
    const shard = failed.replace('shard ', '');
    const [first, second] = [8_088, 8_188].map((port) => `127.0.0.1:${port + offset}`);
    await cluster.ctl(['remove-shard', first ?? '', shard]);
    await cluster.ctl(['copy-shard', second ?? '', first ?? '', shard]);
    await eventually(async () => {
      expect(await heldByFirst()).toBe(510);
    }, 60_000);
    expect(await failedChecks()).toEqual([]);
    // What waited for it while it was refused comes first.
    await eventually(async () => {
      expect(await cluster.write(1, pointsOf(51), 'all')).toBe('204');
    }, 60_000);
  },
  limitMs,
);
