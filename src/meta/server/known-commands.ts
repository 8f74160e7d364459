import { DbError } from '../../base/errors.ts';
import type { Member, Membership } from '../../raft/types.ts';
import { firstVersion, type CommandSet } from '../command/command-set.ts';
import type { Command } from '../command/command.ts';

/**
 * Which commands the other meta nodes know, by what they said last. One not heard of yet knows the first ones only, until it has been
 * silent for so long that it counts as down: with that nobody waits for it, or a cluster that has lost a meta node for good would have no
 * new users after its leader changed. Should it come back as an old release, it stops at what it does not know, and takes part once it is upgraded.
 */
export class KnownCommands {
  readonly #own: CommandSet;
  readonly #nodeId: number;
  readonly #silentTicksMax: number;
  readonly #versions = new Map<number, number>();
  /** Of members that were not heard of since this node leads, or since they are members. */
  readonly #silentTicks = new Map<number, number>();

  constructor(
    own: CommandSet,
    nodeId: number,
    { silentTicksMax }: { readonly silentTicksMax: number },
  ) {
    this.#own = own;
    this.#nodeId = nodeId;
    this.#silentTicksMax = silentTicksMax;
  }

  /** A meta node of the first release says nothing. */
  note(nodeId: number, version: number | undefined): void {
    this.#versions.set(nodeId, version ?? firstVersion);
  }

  /** With each tick of a leader, who is the one that they all answer. */
  tick(membership: Membership): void {
    for (const { id } of membersOf(membership))
      if (this.#isUnheard(id)) this.#silentTicks.set(id, (this.#silentTicks.get(id) ?? 0) + 1);
  }

  /** Leadership has come or gone. */
  countAnew(): void {
    this.#silentTicks.clear();
  }

  /** Whether every member of the cluster is known to be of that version, or a later one. */
  areAll(version: number, membership: Membership): boolean {
    return membersOf(membership).every((member) => this.#versionOf(member) >= version);
  }

  /** Whether check() may say something else in a moment: a member that could be behind was not heard of yet. */
  isOpen(kind: Command['kind'], membership: Membership): boolean {
    const wanted = this.#own.since[kind];
    return membersOf(membership).some((member) => this.#isUnheard(member.id) && this.#versionOf(member) < wanted); // prettier-ignore
  }

  /** Throws `unsupported_version` when a member of the cluster would stop at such a command (decision 124). */
  check(kind: Command['kind'], membership: Membership): void {
    const wanted = this.#own.since[kind];
    const behind = membersOf(membership).filter((member) => this.#versionOf(member) < wanted);
    if (behind.length === 0) return;
    const addresses = behind.map(({ address }) => address).join(', ');
    throw new DbError(
      'unsupported_version',
      `catalog command ${kind} has to wait until every meta node knows it: upgrade ${addresses}`,
    );
  }

  #isUnheard(id: number): boolean {
    return id !== this.#nodeId && !this.#versions.has(id);
  }

  #versionOf({ id }: Member): number {
    const isDown = this.#isUnheard(id) && (this.#silentTicks.get(id) ?? 0) > this.#silentTicksMax;
    if (id === this.#nodeId || isDown) return this.#own.version;
    return this.#versions.get(id) ?? firstVersion;
  }
}

function membersOf({ voters, learners }: Membership): readonly Member[] {
  return [...voters, ...learners];
}
