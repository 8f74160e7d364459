/**
 * Raft's durable state in the key-value store (decision 26): `identity`, `hard-state`, `snapshot` and `entry/<index>`,
 * each a message (raft-records.ts).
 *
 * Invariants:
 * - After open() no record is of the form of releases before.
 * - Entries are contiguous from the snapshot's index + 1 and their terms never fall; open() refuses anything
 *   else, since a gap would let committed commands vanish unseen.
 */
import { DbError } from '../../base/errors.ts';
import type { KvOperation, KvStore } from '../../env/kv.ts';
import { isTerm } from '../../raft/sound-message.ts';
import type { Entry, HardState, Ready, Snapshot } from '../../raft/types.ts';
import { decodeRecord, encodeRecord, type Identity, type RecordKind, type RecordOf } from './raft-records.ts'; // prettier-ignore

export interface Restored {
  readonly identity: Identity | undefined;
  readonly hardState: HardState | undefined;
  readonly snapshot: Snapshot | undefined;
  readonly entries: readonly Entry[];
}

export class RaftStorage {
  readonly #kv: KvStore;
  #lastIndex = 0;

  constructor(kv: KvStore) {
    this.#kv = kv;
  }

  /** Throws `corrupt` on a gap, on what does not read, and on a term that no election has made. */
  async open(): Promise<Restored> {
    /** Records of the form before, as they are written now. */
    const renewed: (() => KvOperation)[] = [];
    const read = <Kind extends RecordKind>(kind: Kind, key: string, bytes: Uint8Array) => {
      const { value, isOld } = decodeRecord(kind, bytes);
      if (isOld) renewed.push(() => ({ kind: 'put', key, value: encodeRecord(kind, value) }));
      return value;
    };
    const single = async <Kind extends Exclude<RecordKind, 'entry'>>(kind: Kind) => {
      const bytes = await this.#kv.get(kind);
      return bytes === undefined ? undefined : read(kind, kind, bytes);
    };
    const identity = await single('identity');
    const hardState = await single('hard-state');
    const snapshot = await single('snapshot');
    const stored = await this.#kv.range({ gte: 'entry/', lt: 'entry0' });
    const entries = stored.map(([key, bytes]) => read('entry', key, bytes));
    this.#lastIndex = checkedLastIndex({ identity, hardState, snapshot, entries });
    if (renewed.length > 0) await this.#kv.batch(renewed.map((one) => one()), { sync: true }); // prettier-ignore
    return { identity, hardState, snapshot, entries };
  }

  /** One batch, synced unless it holds no more than a moved commit. */
  async save({ hardState, snapshot, entries }: Ready, previous: HardState): Promise<void> {
    const operations: KvOperation[] = [];
    if (snapshot !== undefined) {
      operations.push(put('snapshot', snapshot), ...(await this.#deletesUpTo(this.#lastIndex)));
      this.#lastIndex = snapshot.index;
    }
    const [first] = entries;
    for (let index = first?.index ?? Infinity; index <= this.#lastIndex; index++)
      operations.push({ kind: 'delete', key: entryKey(index) });
    for (const entry of entries)
      operations.push({
        kind: 'put',
        key: entryKey(entry.index),
        value: encodeRecord('entry', entry),
      });
    this.#lastIndex = entries.at(-1)?.index ?? this.#lastIndex;
    if (hardState !== undefined) operations.push(put('hard-state', hardState));
    if (operations.length === 0) return;
    const moved = hardState?.term !== previous.term || hardState.vote !== previous.vote;
    const sync = snapshot !== undefined || entries.length > 0 || (hardState !== undefined && moved);
    await this.#kv.batch(operations, { sync });
  }

  async saveIdentity(identity: Identity): Promise<void> {
    await this.#kv.batch([put('identity', identity)], { sync: true });
  }

  /** The node has left its cluster: as if it had never been in one. */
  async wipe(): Promise<void> {
    const operations = [...(await this.#deletesUpTo(this.#lastIndex))];
    for (const key of ['identity', 'hard-state', 'snapshot'])
      operations.push({ kind: 'delete', key });
    await this.#kv.batch(operations, { sync: true });
    this.#lastIndex = 0;
  }

  /** The start of a cluster: its first server's whole state at once. */
  async found(identity: Identity, snapshot: Snapshot, hardState: HardState): Promise<void> {
    const operations = [put('identity', identity), put('snapshot', snapshot)];
    await this.#kv.batch([...operations, put('hard-state', hardState)], { sync: true });
    this.#lastIndex = snapshot.index;
  }

  /** In place of all that was here, at once. */
  async replace(identity: Identity, snapshot: Snapshot, hardState: HardState): Promise<void> {
    const operations = [...(await this.#deletesUpTo(Math.max(this.#lastIndex, snapshot.index)))];
    operations.push(put('identity', identity), put('snapshot', snapshot), put('hard-state', hardState)); // prettier-ignore
    await this.#kv.batch(operations, { sync: true });
    this.#lastIndex = snapshot.index;
  }

  /** Own snapshot: replaces the entries it covers. */
  async compact(snapshot: Snapshot): Promise<void> {
    const deletes = await this.#deletesUpTo(snapshot.index);
    await this.#kv.batch([put('snapshot', snapshot), ...deletes], { sync: true });
  }

  async #deletesUpTo(index: number): Promise<readonly KvOperation[]> {
    const stored = await this.#kv.range({ gte: 'entry/', lt: entryKey(index + 1) });
    return stored.map(([key]) => ({ kind: 'delete', key }));
  }
}

/** Throws `corrupt` for what no node has kept. */
function checkedLastIndex({ hardState, snapshot, entries }: Restored): number {
  if (hardState !== undefined && !isTerm(hardState.term))
    throw new DbError('corrupt', `raft hard state: term ${hardState.term} is out of range`);
  const first = (snapshot?.index ?? 0) + 1;
  let termBefore = snapshot?.term ?? 0;
  entries.forEach(({ index, term }, i) => {
    if (index !== first + i)
      throw new DbError('corrupt', `raft log: entry ${first + i} is missing, found ${index}`);
    if (term < termBefore)
      throw new DbError('corrupt', `raft log: entry ${index} is of term ${term} after ${termBefore}`); // prettier-ignore
    termBefore = term;
  });
  const lastIndex = first - 1 + entries.length;
  if ((hardState?.commit ?? 0) > lastIndex)
    throw new DbError('corrupt', `raft log: ends at ${lastIndex}, before its commit`);
  return lastIndex;
}

function put<Kind extends Exclude<RecordKind, 'entry'>>(
  kind: Kind,
  value: RecordOf<Kind>,
): KvOperation {
  return { kind: 'put', key: kind, value: encodeRecord(kind, value) };
}

function entryKey(index: number): string {
  return `entry/${String(index).padStart(16, '0')}`;
}
