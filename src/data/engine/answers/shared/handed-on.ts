/**
 * What an answer's home hands on to the worker that helps it: for each shard, files by name, the keys of its series and rows in
 * memory. All of it is charged to the question, and given back where the answer is made alone after all.
 */
import { must } from '../../../../base/assert.ts';
import { isDbError } from '../../../../base/errors.ts';
import { MiB } from '../../../../base/units.ts';
import type { MemoryAccount } from '../../../../query/exec/context.ts';
import type { Group } from '../../../../query/exec/groups.ts';
import type { Fragment } from '../../../../query/fragment.ts';
import { predicateFields } from '../../../../query/predicate.ts';
import {
  lendRows,
  type LendPorts,
  type LentRows,
} from '../../../../storage/engine/memtable/lend-rows.ts';
import type { ShardView } from '../../../../storage/engine/shard-view.ts';
import type { ViewParts } from '../../../../storage/engine/view-request.ts';
import type { SeriesList } from '../../../../storage/index/listed-index.ts';
import type { ShareablePlan } from './shareable-plan.ts';
import type { SharedShard } from './shared-answer.ts';

/** Of rows of all memtables of an answer, with what copying them takes. */
const lentBytesMax = 64 * MiB;
/** Keys that are gone through between two places to rest at. */
const seriesPerPause = 256;

/** Bytes that are charged for what is handed on. */
export class HandedOn implements LendPorts {
  readonly #account: MemoryAccount;
  #bytes = 0;
  #lentBytes = 0;

  constructor(account: MemoryAccount) {
    this.#account = account;
  }

  /** Throws `limit_exceeded`. */
  chargeKeys(bytes: number): void {
    this.#account.charge(bytes);
    this.#bytes += bytes;
  }

  /** False where rows would be more than may be lent. Throws `limit_exceeded`. */
  take(bytes: number): boolean {
    if (this.#lentBytes + bytes > lentBytesMax) return false;
    this.chargeKeys(bytes);
    this.#lentBytes += bytes;
    return true;
  }

  release(bytes: number): void {
    this.#account.release(bytes);
    this.#bytes -= bytes;
    this.#lentBytes -= bytes;
  }

  /** Nothing of it is handed on. */
  giveBack(): void {
    this.#account.release(this.#bytes);
    this.#bytes = 0;
    this.#lentBytes = 0;
  }
}

export interface HandedTo {
  readonly shareable: ShareablePlan;
  readonly groups: readonly Group[];
  readonly handed: HandedOn;
}

/**
 * The steps are places to rest at. Undefined where it is more than may be held, or rows cannot be lent: nothing is charged then, as
 * alone the answer may do without.
 */
export function* sharedShards(
  views: readonly ShardView[],
  parts: readonly ViewParts[],
  { shareable, groups, handed }: HandedTo,
): Generator<undefined, readonly SharedShard[] | undefined> {
  const [fragment] = shareable.fragments;
  const shards: SharedShard[] = [];
  try {
    for (const [i, view] of views.entries()) {
      const part = parts[i] ?? { files: [], memtables: [] };
      const list = yield* listOf(view, { groups, fragment, handed });
      const rows = yield* lentRows(view, part, { shareable, list, handed });
      if (rows === undefined) break;
      shards.push({ shardId: view.shardId, files: part.files.map(({ path, seal }) => ({ path, seal })), list, rows }); // prettier-ignore
    }
  } catch (error) {
    const isFull = isDbError(error, 'limit_exceeded') || isDbError(error, 'cache_full');
    if (!isFull) throw error;
  }
  if (shards.length === views.length) return shards;
  handed.giveBack();
  return undefined;
}

/** The fields that are read of each series. */
export function fieldsOf({ task, predicate }: Fragment): readonly string[] {
  if (task.kind === 'costs') return [];
  const columns = task.kind === 'windows' ? task.fields : task.columns.filter(({ kind }) => kind === 'field'); // prettier-ignore
  return [...columns.map(({ name }) => name), ...predicateFields(predicate)];
}

interface ListedSeries {
  readonly groups: readonly Group[];
  readonly fragment: Fragment;
  readonly handed: HandedOn;
}

/** The keys of its series, group after group, those of each in their order whatever the direction of time. */
function* listOf(
  view: ShardView,
  { groups, fragment: { measurement, ascending }, handed }: ListedSeries,
): Generator<undefined, SeriesList> {
  const ids: number[] = [];
  let keyBytes = 0;
  for (const { members } of groups)
    for (let at = 0; at < members.length; at++) {
      const place = ascending ? at : members.length - 1 - at;
      const { source, seriesId } = must(members[place], 'a member for each place');
      if (source !== view) continue;
      keyBytes += view.keyOf(seriesId).length;
      if (ids.push(seriesId) % seriesPerPause === 0) yield undefined;
    }
  handed.chargeKeys(keyBytes + ids.length * Uint32Array.BYTES_PER_ELEMENT);
  const keys = new Uint8Array(new SharedArrayBuffer(keyBytes));
  const ends = new Uint32Array(new SharedArrayBuffer(ids.length * Uint32Array.BYTES_PER_ELEMENT));
  let at = 0;
  for (const [i, id] of ids.entries()) {
    const key = view.keyOf(id);
    keys.set(key, at);
    ends[i] = at += key.length;
    if (i % seriesPerPause === 0) yield undefined;
  }
  const fields = [...view.index.fields(measurement)];
  return { measurement, fields, tagKeys: view.tagKeys(measurement), keys, ends };
}

interface LentBy {
  readonly handed: HandedOn;
  readonly shareable: ShareablePlan;
  readonly list: SeriesList;
}

/** What the memtables of a shard have of the series, for who cannot read them; undefined where they cannot be lent. */
function* lentRows(
  view: ShardView,
  { memtables }: ViewParts,
  { shareable: { fragments }, list, handed }: LentBy,
): Generator<undefined, readonly LentRows[] | undefined> {
  const [{ minTimeNs, maxTimeNs, measurement }] = fragments;
  const types = view.index.fields(measurement);
  const names = new Set(fragments.flatMap(fieldsOf));
  const fields = [...names].flatMap((name) => {
    const type = types.get(name);
    return type === undefined ? [] : [{ name, type }];
  });
  const lent: LentRows[] = [];
  for (const memtable of memtables) {
    const asked = { list, fields, minTimeNs, maxTimeNs };
    const rows = yield* lendRows(memtable, asked, handed);
    if (rows === 'unlent') return undefined;
    if (rows !== undefined) lent.push(rows);
  }
  return lent;
}
