/**
 * The entries since the latest snapshot, in memory; the driver keeps the durable copy.
 *
 * Invariants:
 * - Indexes are contiguous from snapshot.index + 1.
 * - applied <= commit; what is committed is never cut off.
 * - The membership in force names each server once, whatever the entry or snapshot that it is from says.
 * - Entries after `stable` are not durable yet, and the leader does not count its own copy of them.
 */
import { assert } from '../base/assert.ts';
import { settledMembership } from './membership.ts';
import { isVoter, type Entry, type Membership, type Snapshot } from './types.ts';

const noMembers: Membership = { voters: [], learners: [] };

export class RaftLog {
  #snapshot: Snapshot;
  #entries: Entry[];
  /** Index of the last entry the driver has made durable. */
  #stable: number;
  /** Index of the last entry given out to be applied. */
  #applied: number;
  #commit: number;
  #membership: Membership;
  #membershipIndex = 0;

  constructor(restored: {
    readonly snapshot: Snapshot | undefined;
    readonly entries: readonly Entry[];
    readonly commit: number;
  }) {
    const { snapshot, entries, commit } = restored;
    this.#snapshot = snapshot ?? {
      index: 0,
      term: 0,
      membership: noMembers,
      data: new Uint8Array(),
    };
    this.#entries = [...entries];
    this.#stable = this.lastIndex;
    this.#applied = this.#snapshot.index;
    this.#commit = Math.max(commit, this.#snapshot.index);
    this.#membership = noMembers;
    this.#findMembership();
    this.#entries.forEach((entry, i) => {
      assert(entry.index === this.#snapshot.index + 1 + i, 'a restored log is contiguous');
    });
    assert(this.#commit <= this.lastIndex, 'a restored log holds all that is committed');
  }

  get snapshot(): Snapshot {
    return this.#snapshot;
  }

  get entries(): readonly Entry[] {
    return this.#entries;
  }

  /** The latest in the log. */
  get membership(): Membership {
    return this.#membership;
  }

  get membershipIndex(): number {
    return this.#membershipIndex;
  }

  get firstIndex(): number {
    return this.#snapshot.index + 1;
  }

  get lastIndex(): number {
    return this.#snapshot.index + this.#entries.length;
  }

  get lastTerm(): number {
    return this.termAt(this.lastIndex) ?? 0;
  }

  get commit(): number {
    return this.#commit;
  }

  get stable(): number {
    return this.#stable;
  }

  /**
   * Whether `id` may have to stand for election: as a voter of the latest membership, or of an earlier one while no
   * later one is known to be committed. Without it, one whose longer log nobody else has could stop all others from
   * being elected and never try itself (thesis 4.2.2).
   */
  mayStand(id: number): boolean {
    if (isVoter(this.#membership, id)) return true;
    const committed = this.#entries.slice(0, this.#commit + 1 - this.firstIndex);
    const later = this.#entries.slice(this.#commit + 1 - this.firstIndex);
    const known = latestMembership(committed)?.membership ?? this.#snapshot.membership;
    const isUndecided = latestMembership(later) !== undefined;
    return isUndecided && [known, ...membershipsOf(later)].some((one) => isVoter(one, id));
  }

  /** Undefined for an index that is compacted away or not there yet. */
  termAt(index: number): number | undefined {
    if (index === this.#snapshot.index) return this.#snapshot.term;
    return this.#entries[index - this.firstIndex]?.term;
  }

  /** Entries from `index` on, at least one, as long as their data stays under `bytesMax`. */
  from(index: number, bytesMax: number): readonly Entry[] {
    const start = index - this.firstIndex;
    let end = start;
    for (let bytes = 0; end < this.#entries.length; end++) {
      const entry = this.#entries[end];
      bytes += entry?.kind === 'command' ? entry.data.length : 64;
      if (bytes > bytesMax && end > start) break;
    }
    return this.#entries.slice(start, end);
  }

  isUpToDate(lastIndex: number, lastTerm: number): boolean {
    return lastTerm > this.lastTerm || (lastTerm === this.lastTerm && lastIndex >= this.lastIndex);
  }

  /** Appends as leader. */
  append(entry: Entry): void {
    assert(entry.index === this.lastIndex + 1, 'entries are appended in order');
    this.#entries.push(entry);
    this.#noteMembership(entry);
  }

  /** Appends as follower, cutting off what disagrees; false when the log lacks the previous entry (paper 5.3). */
  accept(previousIndex: number, previousTerm: number, entries: readonly Entry[]): boolean {
    if (this.termAt(previousIndex) !== previousTerm) return false;
    for (const entry of entries) {
      if (entry.index <= this.#snapshot.index) continue;
      const term = this.termAt(entry.index);
      if (term === entry.term) continue;
      if (term !== undefined) this.#cutFrom(entry.index);
      this.append(entry);
    }
    return true;
  }

  /** The latest entry at or before `index` whose term is at most `term`. */
  lastNotAfter(index: number, term: number): { readonly index: number; readonly term: number } {
    let at = Math.min(index, this.lastIndex);
    while (at > this.#snapshot.index && (this.termAt(at) ?? 0) > term) at--;
    return { index: at, term: this.termAt(at) ?? 0 };
  }

  commitTo(index: number): void {
    this.#commit = Math.max(this.#commit, Math.min(index, this.lastIndex));
  }

  get hasCommitted(): boolean {
    return this.#commit > this.#applied;
  }

  /** Entries that are committed and were not given out yet. */
  takeCommitted(): readonly Entry[] {
    const entries = this.#entries.slice(
      this.#applied + 1 - this.firstIndex,
      this.#commit + 1 - this.firstIndex,
    );
    this.#applied = this.#commit;
    return entries;
  }

  unstable(): readonly Entry[] {
    return this.#entries.slice(Math.max(0, this.#stable + 1 - this.firstIndex));
  }

  stableTo(index: number, term: number): void {
    if (index > this.#stable && this.termAt(index) === term) this.#stable = index;
  }

  /** Replaces everything by a snapshot of the leader. */
  restore(snapshot: Snapshot): void {
    this.#snapshot = snapshot;
    this.#entries = [];
    this.#stable = snapshot.index;
    this.#commit = snapshot.index;
    this.#applied = snapshot.index;
    this.#findMembership();
  }

  /** Takes a snapshot of the state after `index` and forgets the entries up to it. */
  compact(index: number, data: Uint8Array): Snapshot {
    assert(index <= this.#applied && index >= this.#snapshot.index, 'only applied entries compact');
    const term = this.termAt(index) ?? 0;
    const kept = this.#entries.slice(index + 1 - this.firstIndex);
    const dropped = this.#entries.slice(0, index + 1 - this.firstIndex);
    const latest = latestMembership(dropped)?.membership ?? this.#snapshot.membership;
    const membership = settledMembership(latest);
    this.#snapshot = { index, term, membership, data };
    this.#entries = kept;
    return this.#snapshot;
  }

  #cutFrom(index: number): void {
    assert(index > this.#commit, 'what is committed is never cut off');
    this.#entries.length = index - this.firstIndex;
    this.#stable = Math.min(this.#stable, index - 1);
    if (this.#membershipIndex >= index) this.#findMembership();
  }

  #noteMembership(entry: Entry): void {
    if (entry.kind !== 'membership') return;
    this.#membership = settledMembership(entry.membership);
    this.#membershipIndex = entry.index;
  }

  #findMembership(): void {
    const latest = latestMembership(this.#entries);
    this.#membership = settledMembership(latest?.membership ?? this.#snapshot.membership);
    this.#membershipIndex = latest?.index ?? this.#snapshot.index;
  }
}

function membershipsOf(entries: readonly Entry[]): readonly Membership[] {
  return entries.flatMap((entry) => (entry.kind === 'membership' ? [entry.membership] : []));
}

function latestMembership(
  entries: readonly Entry[],
): Extract<Entry, { kind: 'membership' }> | undefined {
  return entries.findLast((entry) => entry.kind === 'membership');
}
