/**
 * Whether an answer is worth another worker's help, and the chunks that it is cut into. What has to be known for it is looked at in
 * steps, so that a small question is through after the first.
 */
import { KiB } from '../../../../base/units.ts';
import type { FragmentContext, MemoryAccount } from '../../../../query/exec/context.ts';
import { groupSeries, type FoundGroups, type Group } from '../../../../query/exec/groups.ts';
import { pickedEnd } from '../../../../query/exec/pick-end.ts';
import type { Fragment } from '../../../../query/fragment.ts';
import type { LevelPlan } from '../../../../query/plan/level-plan.ts';
import type { TimeBounds } from '../../../../storage/engine/memtable/shape-table.ts';
import type { ShardView } from '../../../../storage/engine/shard-view.ts';
import type { ViewParts } from '../../../../storage/engine/view-request.ts';
import { fieldsOf, HandedOn, sharedShards } from './handed-on.ts';
import { shareablePlan, type ShareablePlan } from './shareable-plan.ts';
import { timeChunkBytes, type ChunkCut, type SharedAnswer } from './shared-answer.ts';

/** From when on an answer is shared, and how large a chunk is. */
export interface ShareLimits {
  readonly workUsLeast: number;
  /** Of files within the bounds. */
  readonly bytesLeast: number;
  readonly groupChunkUs: number;
  readonly timeChunkUs: number;
  readonly chunksMax: number;
  /** What of an answer the home may spend on lending rows in memory, which it does alone. */
  readonly lentShareMost: number;
}

/**
 * What is done in less than 3 ms alone is done before the other worker has begun: its waking takes a twentieth of that. Of fewer
 * bytes nothing takes so long, whatever is asked. A chunk of groups costs some 50 us of its own, one of times some more for each series.
 */
export const usualShareLimits: ShareLimits = {
  workUsLeast: 3_000,
  bytesLeast: 64 * KiB,
  groupChunkUs: 1_000,
  timeChunkUs: 10_000,
  chunksMax: 512,
  lentShareMost: 0.1,
};
const evenChunksMax = 16;
/** What a chunk of times costs for each series and field: its key, a cursor, a block that begins or ends elsewhere. */
const keyUs = 5;
/** Chunks may be so much longer than wanted if each block is read once for it. */
const alignedTimesMost = 2;
/** Each chunk of times looks at all series again, on either worker: of more that takes longer than it saves, and three times the memory. */
const timeSeriesMax = 100_000;
/** Series whose blocks are counted, for all. */
const sampledMax = 2;
/** What a block of a thousand values takes, measured with bench:worker over files of a day. */
const blockUs = { folded: 2.5, ranked: 18, reduced: 20, filtered: 3.5, written: 60 };
const groupUs = 12;
const endUs = 1.5;
/** Of a row, its tags and values as JSON. */
const cellBytes = 10;
const rowsInBlock = 1_000;
/** For each series and field in memory, and for so many values as a block has. */
const lendKeyUs = 3;
const lendBlockUs = 2;
/** Bytes in memory for one of a file. */
const memoryTimes = 4;
/** Groups that are gone through between two places to rest at. */
const seriesPerPause = 256;

export interface SharedPlace {
  readonly views: readonly ShardView[];
  readonly plan: LevelPlan;
  readonly limits: ShareLimits;
  /** `max-select-series`. */
  readonly seriesMax: number;
  /** What is handed on is charged there; who closes it has no use for it any more. */
  readonly account: MemoryAccount;
}

export interface CutAnswer extends Pick<SharedAnswer, 'shards' | 'cut' | 'chunkCount'> {
  /** By shard, of the views. */
  readonly parts: readonly ViewParts[];
  /** To be given back where it is answered alone after all. */
  readonly handed: HandedOn;
}

/** What was looked at: without a cut it is to be answered alone. */
export interface LookedAt {
  readonly cut?: CutAnswer;
  readonly found?: FoundGroups;
}

/** The steps are places to rest at. */
export function* cutAnswer(
  { views, plan, limits, seriesMax, account }: SharedPlace,
  context: FragmentContext,
): Generator<undefined, LookedAt> {
  const shareable = shareablePlan(plan);
  if (shareable === undefined) return {};
  const [fragment] = shareable.fragments;
  if (bytesWithin(views, fragment) < limits.bytesLeast) return {};
  const parts: ViewParts[] = [];
  for (const view of views) {
    const within = view.partsWithin(fragment);
    if (within === undefined) return {};
    parts.push(within);
  }
  const groups = yield* groupSeries({ ...fragment, seriesMax }, views, context);
  const found = { of: fragment, groups };
  const work = estimate(shareable, views, groups);
  if (work.us < limits.workUsLeast || groups.length === 0) return { found };
  if (shareable.kind === 'times' && work.seriesCount > timeSeriesMax) return { found };
  if (work.lendUs > work.us * limits.lentShareMost) return { found };
  const handed = new HandedOn(account);
  const shards = yield* sharedShards(views, parts, { shareable, groups, handed });
  if (shards === undefined) return { found };
  const cut = shareable.kind === 'groups' ? yield* cutGroups(views, groups, { work, limits }) : cutTimes(views, groups, { fragment, work, limits }); // prettier-ignore
  const chunkCount = cut.kind === 'groups' ? (cut.ends[0]?.length ?? 0) : cut.minTimesNs.length;
  if (chunkCount >= 2) return { cut: { shards, cut, chunkCount, parts, handed }, found };
  handed.giveBack();
  return { found };
}

/** As files have them: in memory a value takes some times as much. */
function bytesWithin(views: readonly ShardView[], { minTimeNs, maxTimeNs }: Fragment): number {
  let bytes = 0;
  const add = (bounds: TimeBounds | undefined, lengthBytes: number): void => {
    if (bounds === undefined || bounds.minTimeNs > maxTimeNs || bounds.maxTimeNs < minTimeNs)
      return;
    const from = bounds.minTimeNs > minTimeNs ? bounds.minTimeNs : minTimeNs;
    const to = bounds.maxTimeNs < maxTimeNs ? bounds.maxTimeNs : maxTimeNs;
    const spanNs = Number(bounds.maxTimeNs - bounds.minTimeNs) + 1;
    bytes += (lengthBytes * (Number(to - from) + 1)) / spanNs;
  };
  for (const { parts } of views) {
    const { files, memtables } = parts;
    for (const { bounds, seal } of files) add(bounds, seal.lengthBytes);
    for (const { bounds, sizeBytes } of memtables) add(bounds, sizeBytes / memoryTimes);
  }
  return bytes;
}

interface Work {
  readonly us: number;
  readonly seriesCount: number;
  /** Of the answer, of rows that are shown. */
  readonly bytes: number;
  /** Of a series and field. */
  readonly blocks: number;
  /** Series times fields. */
  readonly keyCount: number;
  /** Of it, what the home takes to lend rows in memory. */
  readonly lendUs: number;
}

function estimate(
  { kind, fragments }: ShareablePlan,
  views: readonly ShardView[],
  groups: readonly Group[],
): Work {
  const memberCount = groups.reduce((sum, { members }) => sum + members.length, 0);
  const sampled = [groups[0], groups[groups.length >> 1]].slice(0, sampledMax);
  let [us, bytes, blocks, keys, lendUs] = [groups.length * groupUs, 0, 0, 0, 0];
  for (const fragment of fragments) {
    const { task, predicate, minTimeNs, maxTimeNs } = fragment;
    if (task.kind === 'costs') continue;
    const columns = task.kind === 'windows' ? task.fields : task.columns.filter((one) => one.kind === 'field'); // prettier-ignore
    const names = [...new Set(fieldsOf(fragment))];
    const field = columns[columns.length - 1]?.name ?? names[0];
    if (field === undefined) continue;
    const of = sampled.map((group) => blocksOf(views, group, { field, minTimeNs, maxTimeNs }));
    const lent = mean(of.map(({ inMemory }) => inMemory));
    blocks = mean(of.map(({ inFiles }) => inFiles)) + lent;
    if (lent > 0) lendUs += memberCount * names.length * (lendKeyUs + lent * lendBlockUs);
    if (isOfEnds(task)) {
      us += memberCount * names.length * endUs;
      continue;
    }
    const keyCount = memberCount * names.length;
    keys += keyCount;
    us += keyCount * blocks * blockUs[formOf(kind, task, predicate !== undefined)];
    if (task.kind === 'rows' && predicate === undefined)
      bytes += memberCount * blocks * rowsInBlock * task.columns.length * cellBytes;
  }
  return { us, seriesCount: memberCount, bytes, blocks, keyCount: keys, lendUs };
}

/** Of a series of a group: blocks of files, and as many values as a block has in memory. */
function blocksOf(
  views: readonly ShardView[],
  group: Group | undefined,
  { field, ...bounds }: TimeBounds & { readonly field: string },
): { readonly inFiles: number; readonly inMemory: number } {
  const [member] = group?.members ?? [];
  const view = views.find((one) => one === member?.source);
  if (member === undefined || view === undefined) return { inFiles: 0, inMemory: 0 };
  const asked = { seriesId: member.seriesId, field, ...bounds };
  return { inFiles: view.blockCount(asked), inMemory: view.rowsInMemory(asked) / rowsInBlock };
}

/** Whether a few rows from one end of each series are all that is read. */
function isOfEnds(task: Fragment['task']): boolean {
  if (task.kind === 'windows')
    return task.windowsMax !== undefined || task.fields.every((field) => pickedEnd(task, field) !== undefined); // prettier-ignore
  if (task.kind === 'costs') return true;
  return task.rowsMax > 0 || task.shardRowsMax !== undefined || task.seriesRowsMax !== undefined;
}

function formOf(
  kind: ShareablePlan['kind'],
  task: Fragment['task'],
  isFiltered: boolean,
): keyof typeof blockUs {
  if (isFiltered) return 'filtered';
  if (task.kind === 'windows') return task.fields.some(({ rank }) => rank !== undefined) ? 'ranked' : 'folded'; // prettier-ignore
  return kind === 'times' ? 'written' : 'reduced';
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, one) => sum + one, 0) / Math.max(1, numbers.length);
}

interface CutBy {
  readonly work: Work;
  readonly limits: ShareLimits;
}

function* cutGroups(
  views: readonly ShardView[],
  groups: readonly Group[],
  { work, limits }: CutBy,
): Generator<undefined, ChunkCut> {
  const wanted = Math.min(
    Math.ceil(work.us / limits.groupChunkUs),
    groups.length,
    limits.chunksMax,
  );
  const ends = views.map(() => new Uint32Array(wanted));
  const counts = views.map(() => 0);
  for (let chunk = 0, at = 0; chunk < wanted; chunk++) {
    const end = Math.round((groups.length * (chunk + 1)) / wanted);
    for (; at < end; at++) {
      for (const { source } of groups[at]?.members ?? []) {
        const shard = views.findIndex((view) => view === source);
        counts[shard] = (counts[shard] ?? 0) + 1;
      }
      if (at % seriesPerPause === 0) yield undefined;
    }
    for (const [shard, count] of counts.entries()) (ends[shard] as Uint32Array)[chunk] = count;
  }
  return { kind: 'groups', ends };
}

/** Where blocks begin, as long as there are no more chunks than blocks: what lies across an end is read twice. */
function cutTimes(
  views: readonly ShardView[],
  groups: readonly Group[],
  { fragment, work, limits }: CutBy & { readonly fragment: Fragment },
): ChunkCut {
  const [from, to] = timesOf(views, fragment);
  const parts = Math.min(timeParts(work, limits), limits.chunksMax);
  const span = to - from + 1n;
  const starts = parts <= work.blocks * alignedTimesMost ? blockStarts(views, groups, fragment) : []; // prettier-ignore
  const cuts = new Set([from]);
  if (parts > work.blocks && starts.length <= parts) for (const start of starts) cuts.add(start);
  const wanted = Number(minOf(BigInt(cuts.size > 1 ? 1 : parts), span));
  for (let i = 1; i < wanted; i++) {
    const even = from + (span * BigInt(i)) / BigInt(wanted);
    cuts.add(nearest(starts, even) ?? even);
  }
  const sorted = BigInt64Array.from([...cuts].filter((cut) => cut >= from && cut <= to)).sort();
  const ends = BigInt64Array.from(sorted, (_, i) => (i + 1 < sorted.length ? (sorted[i + 1] ?? 0n) - 1n : to)); // prettier-ignore
  if (fragment.ascending) return { kind: 'times', minTimesNs: sorted, maxTimesNs: ends };
  return { kind: 'times', minTimesNs: sorted.reverse(), maxTimesNs: ends.reverse() };
}

/** As many for either worker, as long as their answers are short enough to wait for each other, and reading keys again is worth it. */
function timeParts({ us, bytes, keyCount }: Work, { timeChunkUs }: ShareLimits): number {
  const even = 2 * Math.ceil(us / (2 * timeChunkUs));
  const wanted = Math.max(Math.min(even, evenChunksMax), Math.ceil(bytes / timeChunkBytes));
  return Math.min(wanted, Math.max(2, Math.floor(us / (keyCount * keyUs * 3))));
}

/** Those of all points within the bounds. */
function timesOf(
  views: readonly ShardView[],
  { minTimeNs, maxTimeNs }: Fragment,
): [bigint, bigint] {
  const bounds = views.flatMap((view) => view.timeBounds() ?? []);
  const least = bounds.map((one) => one.minTimeNs).reduce(minOf, 2n ** 63n - 1n);
  const greatest = bounds.map((one) => one.maxTimeNs).reduce(maxOf, -(2n ** 63n));
  return [maxOf(least, minTimeNs), minOf(greatest, maxTimeNs)];
}

/** Of a series in the middle. */
function blockStarts(
  views: readonly ShardView[],
  groups: readonly Group[],
  { task, minTimeNs, maxTimeNs }: Fragment,
): readonly bigint[] {
  const members = groups[0]?.members ?? [];
  const member = members[members.length >> 1];
  const view = views.find((one) => one === member?.source);
  const field =
    task.kind === 'rows' ? task.columns.find(({ kind }) => kind === 'field') : undefined;
  if (view === undefined || member === undefined || field === undefined) return [];
  return view.blockStarts({ seriesId: member.seriesId, field: field.name, minTimeNs, maxTimeNs });
}

function nearest(starts: readonly bigint[], timeNs: bigint): bigint | undefined {
  let best: bigint | undefined;
  for (const start of starts)
    if (best === undefined || distance(start, timeNs) < distance(best, timeNs)) best = start;
  return best;
}

function distance(a: bigint, b: bigint): bigint {
  return a > b ? a - b : b - a;
}

function minOf(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}

function maxOf(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
