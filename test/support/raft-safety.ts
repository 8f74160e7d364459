import type { Entry, Membership } from '../../src/raft/types.ts';

/** What the checker looks at of a server. */
export interface RaftView {
  readonly id: number;
  readonly term: number;
  readonly role: string;
  readonly snapshotIndex: number;
  /** Since the snapshot. */
  readonly entries: readonly Entry[];
  readonly commit: number;
  readonly applied: readonly { readonly index: number; readonly text: string }[];
}

interface Led {
  readonly term: number;
  readonly entries: readonly Entry[];
}

/**
 * The five properties of figure 3 of the paper, held against each server after each event that touched it. It knows all
 * that was ever seen, so that a violation is found when it happens and not when it does harm.
 */
export class RaftSafety {
  /** Term to the one who led it. */
  readonly #leaders = new Map<number, number>();
  /** `index/term` to what the entry is and which term came before it. */
  readonly #entries = new Map<string, { readonly text: string; readonly termBefore: number }>();
  /** Index to the entry committed there, and the least term in which a server knew. */
  readonly #committed = new Map<number, { readonly term: number; knownInTerm: number }>();
  readonly #applied = new Map<number, string>();
  /** Checked already: a server that looks the same has done nothing. */
  readonly #looks = new Map<number, string>();
  readonly #led = new Map<number, Led>();
  /** Committed up to here, as far as any server knows. */
  commitMax = 0;

  check(view: RaftView): void {
    const look = appearance(view);
    if (this.#looks.get(view.id) === look) return;
    this.#looks.set(view.id, look);
    this.#electionSafety(view);
    this.#leaderAppendOnly(view);
    this.#logMatching(view);
    this.#leaderCompleteness(view);
    this.#noteCommitted(view);
    this.#stateMachineSafety(view);
  }

  /** At most one leader can be elected in a given term. */
  #electionSafety({ id, term, role }: RaftView): void {
    if (role !== 'leader') return;
    const known = this.#leaders.get(term);
    if (known !== undefined && known !== id)
      fail('election safety', `${known} and ${id} lead term ${term}`);
    this.#leaders.set(term, id);
  }

  /** A leader never overwrites or deletes entries in its log; it only appends. */
  #leaderAppendOnly({ id, term, role, entries, snapshotIndex }: RaftView): void {
    const before = this.#led.get(id);
    if (role !== 'leader') {
      this.#led.delete(id);
      return;
    }
    this.#led.set(id, { term, entries: [...entries] });
    if (before?.term !== term) return;
    for (const old of before.entries) {
      if (old.index <= snapshotIndex) continue;
      const now = entries[old.index - snapshotIndex - 1];
      if (now?.term !== old.term)
        fail('leader append-only', `${id} changed entry ${old.index} of its own term ${term}`);
    }
  }

  /** Two logs with an entry of the same index and term are identical up to it. */
  #logMatching({ id, entries }: RaftView): void {
    let before: Entry | undefined;
    for (const entry of entries) {
      const key = `${entry.index}/${entry.term}`;
      const known = this.#entries.get(key);
      const text = textOf(entry);
      if (known !== undefined && known.text !== text)
        fail('log matching', `${id} has ${text} at ${key}, another has ${known.text}`);
      // Of an entry that comes right after a snapshot the term before is not known.
      if (before !== undefined && known !== undefined && known.termBefore !== -1)
        if (known.termBefore !== before.term)
          fail(
            'log matching',
            `${id} has term ${before.term} before ${key}, not ${known.termBefore}`,
          );
      const termBefore = before?.term ?? known?.termBefore ?? -1;
      if (known?.termBefore !== termBefore) this.#entries.set(key, { text, termBefore });
      before = entry;
    }
  }

  /** An entry committed in a term is in the logs of the leaders of all later terms. */
  #leaderCompleteness({ id, term, role, entries, snapshotIndex }: RaftView): void {
    if (role !== 'leader') return;
    for (const [index, committed] of this.#committed) {
      if (index <= snapshotIndex || committed.knownInTerm >= term) continue;
      const held = entries[index - snapshotIndex - 1];
      if (held?.term !== committed.term)
        fail('leader completeness', `${id} leads term ${term} without committed entry ${index}`);
    }
  }

  #noteCommitted({ term, entries, commit }: RaftView): void {
    this.commitMax = Math.max(this.commitMax, commit);
    for (const entry of entries) {
      if (entry.index > commit) break;
      const known = this.#committed.get(entry.index);
      if (known === undefined)
        this.#committed.set(entry.index, { term: entry.term, knownInTerm: term });
      else known.knownInTerm = Math.min(known.knownInTerm, term);
      if (known !== undefined && known.term !== entry.term)
        fail('state machine safety', `two entries are committed at ${entry.index}`);
    }
  }

  /** If a server has applied an entry at an index, no other ever applies another there. */
  #stateMachineSafety({ id, applied }: RaftView): void {
    let before = 0;
    for (const { index, text } of applied) {
      if (index <= before) fail('state machine safety', `${id} applied ${index} after ${before}`);
      const known = this.#applied.get(index);
      if (known === undefined) this.#applied.set(index, text);
      else if (known !== text)
        fail('state machine safety', `${id} applied ${text} at ${index}, another ${known}`);
      before = index;
    }
  }
}

function appearance({ term, role, snapshotIndex, entries, commit, applied }: RaftView): string {
  const last = entries.at(-1);
  const log = `${snapshotIndex} ${entries.length} ${last?.term ?? 0}`;
  return `${term} ${role} ${log} ${commit} ${applied.length} ${applied.at(-1)?.index ?? 0}`;
}

function textOf(entry: Entry): string {
  if (entry.kind === 'command') return `command ${new TextDecoder().decode(entry.data)}`;
  if (entry.kind === 'membership') return `members ${membersText(entry.membership)}`;
  return entry.kind;
}

function membersText({ voters, learners }: Membership): string {
  const ids = (members: Membership['voters']) => members.map(({ id }) => id).join();
  return `${ids(voters)} learners ${ids(learners)}`;
}

function fail(property: string, text: string): never {
  throw new Error(`${property}: ${text}`);
}
