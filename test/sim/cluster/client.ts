import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import { patienceMs, pickNode, type Admin } from './admin.ts';
import { checkAnswer } from './check-points.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { OwnWrite } from './check-own-writes.ts';
import { answeredWindows, checkWindowBounds, windowsOf, windowsQuery } from './check-windows.ts';
import { keyOf, rowText, type Part, type Rows } from './points.ts';
import { registerMeasurement } from './last-writes.ts';
import { answeredRows, ask } from './read-rows.ts';
import { drawWrite, epochNs, weekNs } from './workload.ts';

/** Queries whose rows are all that the model knows of a measurement within some time. */
const rowsQueries = {
  m: (where: string) => `SELECT f, i, b, s FROM m ${where} GROUP BY client, host`,
  n: (where: string) => `SELECT i FROM n ${where}`,
} as const;

export interface Question {
  readonly measurement: keyof typeof rowsQueries;
  /** All weeks when left out. */
  readonly week?: number;
}

export const allRows: readonly Question[] = [{ measurement: 'm' }, { measurement: 'n' }];

export interface Load {
  /** World time. */
  readonly startMs: number;
  isOver: boolean;
  nextId: number;
  queryCount: number;
  /** Writes that their client read back through the same node, and that it had to see. */
  ownReadCount: number;
  readonly admin: Admin;
}

const readShare = 0.04;
/** Deletes of registers: each makes a file of what a shard has in memory. */
const deleteShare = 0.04;
/** Writes that their client reads back at once. */
const readBackShare = 0.15;
/** Queries that read all there is cost more and more; the others read a week. */
const readAllShare = 0.2;
/** Questions that owners fold before they answer. */
const windowsShare = 0.3;

/** Acknowledged parts a second that are enough: clients slow down when they are ahead, as more cost time and find little. */
const partsPerSecond = 6.5;

/** Writes and reads through any node that runs, one request after the other. */
export async function runClient(cluster: ClusterWorld, random: Random, load: Load): Promise<void> {
  const { clock } = cluster.machine('client').env;
  while (!load.isOver) {
    await clock.sleep(isAhead(cluster, load) ? 300 + below(random, 500) : 20 + below(random, 200));
    const node = pickNode(cluster, random);
    if (node === undefined) continue;
    // A crashed node never answers: the client gives up, and does not know.
    const patience = clock.sleep(patienceMs);
    const dice = fraction(random);
    const work = dice < readShare ? read : dice < readShare + deleteShare ? erase : write;
    await Promise.race([work(cluster, node, { random, load }), patience]);
  }
}

function isAhead({ history, world }: ClusterWorld, { startMs }: Load): boolean {
  return history.acknowledged.size > ((world.nowMs - startMs) / 1_000) * partsPerSecond;
}

async function write(
  cluster: ClusterWorld,
  node: DataNode,
  { random, load }: { readonly random: Random; readonly load: Load },
): Promise<void> {
  const { history, knobs } = cluster;
  const sideNames = load.admin.names;
  const side = fraction(random) < 0.05 ? sideNames[below(random, sideNames.length)] : undefined;
  const database = side ?? 'd';
  const nextId = () => load.nextId++;
  const { parts, body, level } = drawWrite(random, {
    weekCount: knobs.weekCount,
    database,
    replicaCount: side === undefined ? knobs.replicaCount : 2,
    hasRegisters: side === undefined,
    nextId,
  });
  for (const part of parts) history.ask(part);
  try {
    await node.writer.write({
      database,
      retentionPolicy: '',
      body: new TextEncoder().encode(body),
      stepNs: 1n,
      level,
      timeoutMs: 3_000,
    });
  } catch {
    history.refusedCount++;
    return;
  }
  for (const { id } of parts) history.acknowledged.set(id, node.meta.catalog.index);
  if (fraction(random) < readBackShare) await readBack(cluster, node, { parts, load });
}

/** Deletes registers of a week, all of them or one. Whether it was taken is told by the owners. */
async function erase(
  { knobs }: ClusterWorld,
  node: DataNode,
  { random }: { readonly random: Random },
): Promise<void> {
  const timeNs = epochNs + BigInt(below(random, knobs.weekCount)) * weekNs;
  const tag = fraction(random) < 0.5 ? ` AND k = '${below(random, 3)}'` : '';
  await ask(node, `DELETE FROM ${registerMeasurement} WHERE time = ${timeNs}${tag}`, 'd'); // prettier-ignore
}

/** What was acknowledged a moment ago, asked of the node that acknowledged it. */
async function readBack(
  cluster: ClusterWorld,
  node: DataNode,
  { parts, load }: { readonly parts: readonly Part[]; readonly load: Load },
): Promise<void> {
  const through = [...cluster.data].find(([, one]) => one === node)?.[0];
  const part = parts.find(
    ({ database, level, rows }) =>
      database === 'd' && level !== 'any' && /^[mn](,|$)/.test(rows[0]?.series ?? ''),
  );
  if (through === undefined || part === undefined) return;
  const own = new OwnWrite(cluster, through, part);
  const [{ series, timeNs } = { series: '', timeNs: 0n }] = part.rows;
  const week = Number((timeNs - epochNs) / weekNs);
  const measurement = series.startsWith('m') ? 'm' : 'n';
  const answer = await answerOf(cluster, node, { measurement, week });
  if (typeof answer === 'string') return;
  try {
    if (own.check(answer)) load.ownReadCount++;
  } catch (error) {
    cluster.world.fail(error);
  }
}

async function read(
  cluster: ClusterWorld,
  node: DataNode,
  { random, load }: { readonly random: Random; readonly load: Load },
): Promise<void> {
  if (fraction(random) < windowsShare) {
    if (await countWindows(cluster, node)) load.queryCount++;
    return;
  }
  const isOfAll = fraction(random) < readAllShare;
  const week = below(random, cluster.knobs.weekCount);
  const error = await answerFault(cluster, node, { measurement: 'm', ...(!isOfAll && { week }) });
  if (error === undefined) load.queryCount++;
}

/** Whether the windows of all weeks were answered; what they count is checked against the model. */
async function countWindows(
  { history, knobs, world }: ClusterWorld,
  node: DataNode,
): Promise<boolean> {
  const { index } = node.meta.catalog;
  const isSure = ({ id, level }: Part): boolean =>
    level === 'all' && (history.acknowledged.get(id) ?? Infinity) <= index;
  const sure = windowsOf(rowsOf([...history.asked.values()].filter(isSure)));
  const toNs = epochNs + BigInt(knobs.weekCount) * weekNs;
  const answer = await ask(node, windowsQuery(epochNs - weekNs, toNs), 'd');
  if (typeof answer === 'string') return false;
  try {
    checkWindowBounds(answeredWindows(answer), sure, windowsOf(rowsOf(history.asked.values())));
  } catch (error) {
    world.fail(error);
  }
  return true;
}

function rowsOf(parts: Iterable<Part>): Rows {
  const rows = new Map<string, string>();
  for (const { database, rows: own } of parts)
    if (database === 'd') for (const row of own) rows.set(keyOf(row), rowText(row.fields));
  return rows;
}

/** Asks for the rows of a measurement and checks the answer; gives the error's text when there was none. */
export async function answerFault(
  cluster: ClusterWorld,
  node: DataNode,
  question: Question,
): Promise<string | undefined> {
  const answer = await answerOf(cluster, node, question);
  return typeof answer === 'string' ? answer : undefined;
}

/** The rows, which have been checked, or the error's text. */
async function answerOf(
  { history, world }: ClusterWorld,
  node: DataNode,
  { measurement, week }: Question,
): Promise<Rows | string> {
  const startNs = epochNs + BigInt(week ?? 0) * weekNs;
  const isAsked = ({ database, rows }: Part): boolean => {
    const timeNs = rows[0]?.timeNs ?? 0n;
    return (
      database === 'd' && (week === undefined || (startNs <= timeNs && timeNs < startNs + weekNs))
    );
  };
  const ids: number[] = [];
  for (const id of history.acknowledged.keys()) {
    const part = history.asked.get(id);
    if (part !== undefined && isAsked(part)) ids.push(id);
  }
  const since = { measurement, ids, catalogIndex: node.meta.catalog.index };
  const where = week === undefined ? '' : `WHERE time >= ${startNs} AND time < ${startNs + weekNs}`;
  const answer = await ask(node, rowsQueries[measurement](where), 'd');
  if (typeof answer === 'string') return answer;
  const rows = answeredRows(answer);
  try {
    checkAnswer(history, rows, since);
  } catch (error) {
    world.fail(error);
  }
  return rows;
}
