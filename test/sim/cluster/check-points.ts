import { requiredOwners } from '../../../src/data/write/consistency.ts';
import type { History, Receipt } from './history.ts';
import { keyOf, type Part, type Row, type Rows } from './points.ts';

/**
 * What nodes hold once all is calm:
 * - nothing is invented, no value is another one;
 * - a part is there whole or not at all;
 * - what an owner called durable is on it, and what hinted handoff called durable for it;
 * - an acknowledged part is on as many owners as its level asks for.
 * A node of `lacking` says that shards of its are damaged: it may lack any point.
 */
export function checkStored(
  history: History,
  stored: ReadonlyMap<string, Rows>,
  lacking: ReadonlySet<string> = new Set(),
): void {
  for (const [node, rows] of stored) {
    checkNothingInvented(history, node, rows);
    if (lacking.has(node)) continue;
    for (const part of partsIn(history, rows)) checkWhole(part, { node, rows });
    for (const [id, receipt] of history.durable.get(node) ?? [])
      checkKept(history, id, { node, rows, receipt });
    for (const id of history.queued.get(node) ?? []) checkBrought(history, id, { node, rows });
  }
  for (const id of history.acknowledged.keys()) {
    const part = history.asked.get(id);
    if (part === undefined || history.dropped.has(part.database)) continue;
    // What was queued may have been refused by the owner that it was brought to, which nobody could say in the answer.
    const sure = part.level === 'any' ? part.rows : [...part.rows, ...part.doubtful];
    const owners = [...stored].filter(([, rows]) => sure.every((row) => has(rows, row)));
    const lackingCount = [...lacking].filter(
      (node) => !owners.some(([one]) => one === node),
    ).length;
    if (owners.length + lackingCount < requiredOwners(part.level, part.replicaCount))
      throw new Error(`part ${id} was acknowledged at ${part.level}, and is on ${owners.length} owners`); // prettier-ignore
  }
}

function checkNothingInvented(
  history: History,
  who: string,
  rows: Rows,
  isWhole: (part: Part) => boolean = () => true,
): void {
  for (const [key, text] of rows) {
    const wanted = history.textOf(key);
    const part = history.partOf(key);
    if (wanted === undefined || part === undefined)
      throw new Error(`${who} has a point nobody wrote: ${key} ${text}`);
    const isRight = wanted === text || (!isWhole(part) && history.isSomeOf(key, text));
    if (!isRight) throw new Error(`${who} has ${text} at ${key}, not ${wanted}`);
  }
}

function partsIn(history: History, rows: Rows): ReadonlySet<Part> {
  const parts = new Set<Part>();
  for (const key of rows.keys()) {
    const part = history.partOf(key);
    // Of a database being dropped a node may keep any part, until its folders are gone.
    if (part !== undefined && !history.dropped.has(part.database)) parts.add(part);
  }
  return parts;
}

function checkWhole(
  { id, rows: sure, doubtful }: Part,
  { node, rows }: { readonly node: string; readonly rows: Rows },
): void {
  const sureCount = countOf(rows, sure);
  const doubtfulCount = countOf(rows, doubtful);
  if (sureCount !== sure.length)
    throw new Error(`${node} has ${sureCount} points of part ${id}, not all ${sure.length}`);
  if (doubtfulCount !== 0 && doubtfulCount !== doubtful.length)
    throw new Error(`${node} has ${doubtfulCount} points of part ${id} that it had to refuse or take together`); // prettier-ignore
}

function checkKept(
  history: History,
  id: number,
  owner: { readonly node: string; readonly rows: Rows; readonly receipt: Receipt },
): void {
  const { node, rows, receipt } = owner;
  const part = history.asked.get(id);
  if (part === undefined || history.dropped.has(part.database)) return;
  if (countOf(rows, part.rows) !== part.rows.length)
    throw new Error(`${node} has lost part ${id}, which it acknowledged`);
  const doubtfulCount = countOf(rows, part.doubtful);
  if (doubtfulCount !== (receipt === 'whole' ? part.doubtful.length : 0))
    throw new Error(`${node} called part ${id} ${receipt}, and has ${doubtfulCount} doubtful points of it`); // prettier-ignore
}

function checkBrought(
  history: History,
  id: number,
  { node, rows }: { readonly node: string; readonly rows: Rows },
): void {
  const part = history.asked.get(id);
  if (part === undefined || history.dropped.has(part.database)) return;
  if (countOf(rows, part.rows) !== part.rows.length)
    throw new Error(`${node} never got part ${id}, which hinted handoff had for it`);
}

/** A complete answer about `measurement` holds every point that all owners had acknowledged before it was asked for. */
export function checkAnswer(
  history: History,
  answer: Rows,
  since: {
    readonly measurement: string;
    readonly ids: readonly number[];
    readonly catalogIndex: number;
  },
): void {
  // What a measurement has of fields is asked before its rows: those of a write in between may lack the fields that it brought.
  const asked = new Set(since.ids);
  checkNothingInvented(history, 'an answer', answer, ({ id }) => asked.has(id));
  for (const id of since.ids) {
    const part = history.asked.get(id);
    const isKnown = (history.acknowledged.get(id) ?? Infinity) <= since.catalogIndex;
    if (part?.level !== 'all' || !isKnown) continue;
    const missing = part.rows.filter(
      (row) => row.series.startsWith(since.measurement) && !has(answer, row),
    );
    if (missing.length > 0) throw new Error(`a query missed part ${id}, which all owners have`);
  }
}

function countOf(rows: Rows, wanted: readonly Row[]): number {
  let count = 0;
  for (const row of wanted) if (has(rows, row)) count++;
  return count;
}

function has(rows: Rows, row: Row): boolean {
  return rows.has(keyOf(row));
}
