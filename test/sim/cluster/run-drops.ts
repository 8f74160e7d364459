import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { ClusterWorld } from './cluster-world.ts';
import type { Plant } from './plants.ts';
import { answeredRows, ask } from './read-rows.ts';
import { rowKey } from './points.ts';

export interface DropRun {
  /** Writes that were acknowledged though their shard was dropped while they were under way. */
  readonly during: number;
  /** Those that began once the drop was answered, and are there. */
  readonly after: number;
}

const roundCount = 6;
const levels: readonly ConsistencyLevel[] = ['any', 'one', 'all'];
/** So long a node does not hear of the catalog: less than it waits for it. */
const deafMsMax = 1_500;
const aheadMsMax = 100;
const behindMs = 100;
const pauseMsMax = 40;
const settleMs = 2_500;
/** Of an owner that is down as its shards are dropped, besides the time for which another one may be deaf. */
const downMsMax = 3_000;
/** A node that goes down answers no more. */
const writeMsMax = 20_000;
/** An owner that was down has what waited for it. */
const broughtMs = 12_000;
const metas = ['m1', 'm2', 'm3'];
/** What a client is told of a shard that went. An owner that is deaf, and a database that is not there, may be told of. */
const goneTexts = ['is not on this node', 'was dropped', 'is being deleted', 'keep changing'];
/** One of them has a shard group each. */
const durations = ['1h', '2h'] as const;

interface Written {
  readonly at: string;
  readonly key: string;
  readonly isAfter: boolean;
  readonly error: string | undefined;
}

/**
 * Shards, policies and databases are dropped through one node and written to through all of them meanwhile, one of which hears of it
 * late, or is down (decision 148). Rejects where a write that began after the drop was answered is acknowledged and not there, or where one is
 * refused for a shard that went while it was under way.
 */
export async function runDrops(
  seed: number,
  { plant }: { readonly plant?: Plant } = {},
): Promise<DropRun> {
  const cluster = new ClusterWorld(seed, { plant });
  const { world } = cluster;
  const random = world.random('drops');
  await cluster.form();
  const counts = { during: 0, after: 0 };
  for (let round = 0; round < roundCount; round++) {
    const copies = 1 + (round % 2);
    const { written, name } = await dropped(cluster, random, { round, copies });
    const refused = written.find(({ error = '' }) =>
      goneTexts.some((text) => error.includes(text)),
    );
    if (refused !== undefined) throw new Error(`in round ${round} ${refused.at} refused a write: ${refused.error}`); // prettier-ignore
    await world.run(world.nowMs + broughtMs);
    const acknowledged = written.filter(({ error }) => error === undefined);
    const after = acknowledged.filter(({ isAfter }) => isAfter);
    await check(cluster, after, { name, round });
    counts.during += acknowledged.length - after.length;
    counts.after += after.length;
  }
  cluster.end();
  return counts;
}

async function dropped(
  cluster: ClusterWorld,
  random: Random,
  { round, copies }: { readonly round: number; readonly copies: number },
): Promise<{ readonly written: readonly Written[]; readonly name: string }> {
  const { world, data } = cluster;
  const name = `drop${round}`;
  const level = levels[below(random, levels.length)] ?? 'one';
  const created = createText(name, copies);
  const texts = dropTexts(name, created, below(random, 4));
  const nodes = [...data.keys()];
  const by = nodes[below(random, nodes.length)] ?? '';
  const late = nodes.filter((one) => one !== by)[below(random, nodes.length - 1)] ?? '';
  await world.complete(asked(cluster, by, created));
  await world.run(world.nowMs + settleMs);
  const state = { isAfter: false, isOver: false };
  const writing = nodes.map((at) => writeUntilOver(cluster, random, { at, name, level, state }));
  await world.run(world.nowMs + 1 + below(random, aheadMsMax));
  const dice = fraction(random);
  if (dice < 0.25) cluster.crash(late, deafMsMax + below(random, downMsMax));
  else if (dice < 0.8) {
    world.network.partition([late], metas);
    world.schedule(below(random, deafMsMax), () => {
      world.network.heal();
    });
  }
  const shards = [...(data.get(by)?.meta.catalog.databases.shards() ?? [])];
  const shardIds = shards.filter(({ database }) => database === name).map(({ shard }) => shard.id);
  for (const text of texts(shardIds)) await world.complete(asked(cluster, by, text));
  state.isAfter = true;
  await world.run(world.nowMs + behindMs);
  state.isOver = true;
  const all = (await world.complete(Promise.all(writing))).flat();
  world.network.heal();
  return { written: all, name };
}

function createText(name: string, copies: number): string {
  return `CREATE DATABASE ${name} WITH DURATION INF REPLICATION ${copies} SHARD DURATION ${durations[0]} NAME p`;
}

/** What drops the shards of a database one way or the other. */
function dropTexts(
  name: string,
  created: string,
  kind: number,
): (shardIds: readonly number[]) => readonly string[] {
  const dropShards = (ids: readonly number[]) => ids.map((id) => `DROP SHARD ${id}`);
  if (kind === 0) return dropShards;
  if (kind === 1) {
    const alter = `ALTER RETENTION POLICY p ON ${name} SHARD DURATION ${durations[1]}`;
    return (ids) => [alter, ...dropShards(ids)];
  }
  if (kind === 2) return () => [`DROP DATABASE ${name}`, created];
  const policy = `CREATE RETENTION POLICY p ON ${name} DURATION INF REPLICATION 1 SHARD DURATION 1h DEFAULT`;
  return () => [`DROP RETENTION POLICY p ON ${name}`, policy];
}

/** One write behind the other, each of a point of its own. */
async function writeUntilOver(
  cluster: ClusterWorld,
  random: Random,
  { at, name, level, state }: { readonly at: string; readonly name: string; readonly level: ConsistencyLevel; readonly state: { readonly isAfter: boolean; readonly isOver: boolean } }, // prettier-ignore
): Promise<readonly Written[]> {
  const { clock } = cluster.machine('client').env;
  const written: Written[] = [];
  for (let timeNs = 1n; !state.isOver; timeNs++) {
    const { isAfter } = state;
    const body = new TextEncoder().encode(`m,at=${at} v=1i ${timeNs}`);
    const writing = cluster.data.get(at)?.writer.write({ database: name, retentionPolicy: '', body, stepNs: 1n, level, timeoutMs: 60_000 }); // prettier-ignore
    const down = new Promise<string>((resolve) => {
      cluster.world.schedule(writeMsMax, () => {
        resolve('it is down');
      });
    });
    const error = await (writing === undefined ? down : Promise.race([down, writing.then(() => undefined, String)])); // prettier-ignore
    written.push({ at, key: rowKey(`m,at=${at}`, timeNs), isAfter, error });
    await clock.sleep(below(random, pauseMsMax));
  }
  return written;
}

async function asked(cluster: ClusterWorld, at: string, text: string): Promise<void> {
  const node = cluster.data.get(at);
  const answer = node === undefined ? 'it is down' : await ask(node, text, '');
  if (typeof answer === 'string') throw new Error(`${text} at ${at}: ${answer}`);
}

async function check(
  { world, data }: ClusterWorld,
  written: readonly Written[],
  { name, round }: { readonly name: string; readonly round: number },
): Promise<void> {
  for (const [at, node] of data) {
    const answer = await world.complete(ask(node, 'SELECT v FROM m GROUP BY *', name));
    if (typeof answer === 'string') throw new Error(`in round ${round} ${at} answers ${answer}`);
    const rows = answeredRows(answer);
    const missing = written.find(({ key }) => !rows.has(key));
    if (missing !== undefined) throw new Error(`in round ${round} ${at} lacks ${missing.key}, which was acknowledged by ${missing.at} after the drop`); // prettier-ignore
  }
}
