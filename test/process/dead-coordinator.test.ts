/**
 * A coordinator is killed while an owner hangs, when it has acknowledged what one owner had: the other owner gets it, from the one that
 * has it or from the coordinator once it is started again (decision 137).
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

const limitMs = 180_000;
const cluster = new DevCluster(15_000, '--metas', '1', '--data', '3');
const numbers = [1, 2, 3] as const;
const nodeIds: number[] = [];
const byHand = new Map<number, number>();

/** More than an owner that hangs takes into its buffers. */
const body = Array.from({ length: 20_000 }, (_, i) => `m text="${'x'.repeat(200)}${i}" ${i + 1}`).join('\n'); // prettier-ignore

beforeAll(async () => {
  await cluster.start();
  const shown = await (await fetch(`${cluster.url('meta', 1)}/show-cluster`)).json();
  const { data } = shown as { data: { id: number; tcpAddr: string }[] };
  const byPort = [...data].sort((a, b) => portOf(a.tcpAddr) - portOf(b.tcpAddr));
  nodeIds.push(...byPort.map(({ id }) => id));
}, limitMs);
afterAll(() => cluster.stop(), limitMs);

function portOf(address: string): number {
  return Number(address.split(':')[1]);
}

/** How many points a node has itself. */
async function held(number: number, through: number, of = 'count(text) FROM m'): Promise<number> {
  const asked = new URLSearchParams({ db: 'd', q: `SELECT ${of}`, node_id: String(nodeIds[number - 1]) }); // prettier-ignore
  const answer = await fetch(`${cluster.url('data', through)}/query?${asked.toString()}`);
  const { results } = (await answer.json()) as { readonly results: readonly { readonly error?: string; readonly series?: readonly { readonly values: readonly (readonly [number, number])[] }[] }[] }; // prettier-ignore
  const [result] = results;
  if (result?.error !== undefined) throw new Error(result.error);
  return result?.series?.[0]?.values[0]?.[1] ?? 0;
}

/** Makes the measurement anew; the two nodes that own its shard, and the one that does not. */
async function places(): Promise<readonly [owner: number, other: number, third: number]> {
  await cluster.query(1, 'DROP DATABASE d');
  await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 2');
  expect(await cluster.write(1, 'm text="first" 0', 'all')).toBe('204');
  const counts = new Map<number, number>();
  for (const number of numbers) counts.set(number, await held(number, 1));
  const owners = numbers.filter((number) => counts.get(number) === 1);
  const third = numbers.find((number) => counts.get(number) === 0);
  const [owner, other] = owners;
  if (owner === undefined || other === undefined || third === undefined)
    throw new Error(`owners have ${[...counts.values()].join()} points`);
  return [owner, other, third];
}

/** Whoever has started it. */
function pidOf(number: number): number {
  return byHand.get(number) ?? cluster.pid(`data-${number}`);
}

function startAgain(number: number): void {
  byHand.set(number, cluster.startByHand(`data-${number}`).pid ?? 0);
}

/** What a node has said since it was first started by hand. */
function said(number: number): string {
  return readFileSync(join(cluster.dir, `data-${number}.log`), 'utf8');
}

/** Writes at level one through a node while an owner hangs, and kills that node once it has acknowledged. */
async function writeAndDie(coordinator: number, hanging: number): Promise<void> {
  const pid = pidOf(hanging);
  process.kill(pid, 'SIGSTOP');
  expect(await cluster.write(coordinator, body, 'one')).toBe('204');
  await cluster.kill(`data-${coordinator}`);
  process.kill(pid, 'SIGCONT');
}

test(
  'dead coordinator: what it had not brought to an owner comes from the owner that has it, while the coordinator is away',
  async () => {
    const [owner, hanging, third] = await places();
    await writeAndDie(third, hanging);
    await eventually(async () => expect(await held(hanging, owner)).toBe(20_001), 60_000);
    startAgain(third);
    await eventually(async () => expect(await cluster.query(third, 'SHOW DATABASES')).toContain('"d"'), 60_000); // prettier-ignore
  },
  limitMs,
);

test(
  'dead coordinator: what it alone had comes from it once it is started again',
  async () => {
    const [owner, hanging, third] = await places();
    await writeAndDie(owner, hanging);
    expect(await held(hanging, third)).toBe(1);
    startAgain(owner);
    await eventually(async () => expect(await held(hanging, third)).toBe(20_001), 60_000);
  },
  limitMs,
);

test(
  'dead coordinator: what was deleted while it was away is not back at an owner that has restarted and remembers the last deletes alone',
  async () => {
    const [owner, other] = await places();
    const dropped = Array.from({ length: 12 }, (_, i) => `gone,s=${i} v=1 0`);
    expect(await cluster.write(owner, dropped.join('\n'), 'all')).toBe('204');
    // So long that a shard remembers six of them.
    const none = 'x'.repeat(40_000);
    await cluster.kill(`data-${owner}`);
    for (const i of dropped.keys()) await cluster.query(other, `DROP SERIES FROM gone WHERE s = '${i}' OR s = '${none}'`); // prettier-ignore
    await cluster.kill(`data-${other}`);
    startAgain(other);
    await eventually(async () => expect(await held(other, other)).toBe(1), 60_000);
    startAgain(owner);
    const left = (number: number): Promise<number> => held(number, number, 'count(v) FROM gone');
    await eventually(async () => {
      expect(said(owner)).toContain('What was taken last before');
      // It gets the deletes by hinted handoff.
      expect(await left(owner)).toBe(0);
    }, 60_000);
    expect(await left(other)).toBe(0);
  },
  limitMs,
);

test(
  'dead coordinator: a node that is told to stop while others write has nothing to bring at its next start',
  async () => {
    const [owner, other] = await places();
    const state = { count: 0, isOver: false };
    const writing = (async () => {
      while (!state.isOver) await cluster.write(owner, `m text="more" ${++state.count}`, 'one');
    })();
    await eventually(() => {
      expect(state.count).toBeGreaterThan(200);
      return Promise.resolve();
    }, 60_000);
    await cluster.stopNode(`data-${other}`);
    state.isOver = true;
    await writing;
    expect(existsSync(join(cluster.dir, `data-${other}`, 'meta/ended'))).toBe(true);
  },
  limitMs,
);
