import { DbError } from '../../base/errors.ts';
import type { Member, Membership } from '../../raft/types.ts';
import { firstVersion, type CommandSet } from '../command/command-set.ts';
import type { Command } from '../command/command.ts';

/** Which commands the other meta nodes know, by what they said last; one not heard of yet knows the first ones only. */
export class KnownCommands {
  readonly #own: CommandSet;
  readonly #nodeId: number;
  readonly #versions = new Map<number, number>();

  constructor(own: CommandSet, nodeId: number) {
    this.#own = own;
    this.#nodeId = nodeId;
  }

  /** A meta node of the first release says nothing. */
  note(nodeId: number, version: number | undefined): void {
    this.#versions.set(nodeId, version ?? firstVersion);
  }

  /** Whether every member of the cluster is known to be of that version, or a later one. */
  areAll(version: number, { voters, learners }: Membership): boolean {
    return [...voters, ...learners].every((member) => this.#versionOf(member) >= version);
  }

  /** Throws `unsupported_version` when a member of the cluster would stop at such a command (decision D9). */
  check(kind: Command['kind'], { voters, learners }: Membership): void {
    const wanted = this.#own.since[kind];
    const behind = [...voters, ...learners].filter((member) => this.#versionOf(member) < wanted);
    if (behind.length === 0) return;
    const addresses = behind.map(({ address }) => address).join(', ');
    throw new DbError(
      'unsupported_version',
      `catalog command ${kind} has to wait until every meta node knows it: upgrade ${addresses}`,
    );
  }

  #versionOf({ id }: Member): number {
    if (id === this.#nodeId) return this.#own.version;
    return this.#versions.get(id) ?? firstVersion;
  }
}
