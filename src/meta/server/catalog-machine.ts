import { DbError } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import type { Entry, Snapshot } from '../../raft/types.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';
import { applyCommand } from '../model/apply.ts';
import {
  catalogVersion,
  emptyCatalog,
  type Catalog,
  type CommandAnswer,
} from '../model/catalog.ts';
import type { LoggedCommand } from '../model/command.ts';
import { isLogged } from '../model/command-shape.ts';
import type { StateMachine } from './raft-driver.ts';

export interface Executed {
  readonly answer: CommandAnswer;
  readonly index: number;
}

/** The catalog as the log makes it, and those who wait for it. */
export class CatalogMachine implements StateMachine {
  #catalog = emptyCatalog;
  readonly #watchers = new Set<() => void>();
  readonly #waiting = new Map<string, Latch<Executed>>();
  #isClosed = false;

  get catalog(): Catalog {
    return this.#catalog;
  }

  apply(entry: Entry): void {
    if (entry.kind !== 'command') return;
    const logged = decodeMessage(entry.data) as LoggedCommand;
    const { catalog, answer } = applyCommand(this.#catalog, entry.index, logged);
    this.#set(catalog);
    if (!isLogged(logged)) return;
    this.#waiting.get(logged.id)?.open({ answer, index: entry.index });
    this.#waiting.delete(logged.id);
  }

  restore(snapshot: Snapshot): void {
    if (snapshot.data.length === 0) return;
    const catalog = decodeMessage(snapshot.data) as Catalog;
    if (catalog.version > catalogVersion)
      throw new DbError('unsupported_version', `catalog version ${catalog.version}`);
    this.#set(catalog);
  }

  capture(): () => Uint8Array {
    const catalog = this.#catalog;
    return () => encodeMessage(catalog);
  }

  /** Whether what is under way was taken is not known once another leads. */
  onLeader(isLeader: boolean): void {
    if (!isLeader) this.#failWaiting('leadership was lost');
  }

  /** Nothing will be applied any more. */
  close(): void {
    this.#isClosed = true;
    this.#failWaiting('the node stops');
  }

  /** Resolves when the command with this id is applied here. */
  executed(id: string): Promise<Executed> {
    const latch = this.#waiting.get(id) ?? new Latch<Executed>();
    this.#waiting.set(id, latch);
    if (this.#isClosed) this.#failWaiting('the node stops');
    return latch.promise;
  }

  forget(id: string): void {
    this.#waiting.delete(id);
  }

  /** Calls `onChange` after each change until the function it returns is called. */
  watch(onChange: () => void): () => void {
    this.#watchers.add(onChange);
    return () => {
      this.#watchers.delete(onChange);
    };
  }

  #failWaiting(reason: string): void {
    for (const latch of this.#waiting.values()) latch.fail(new DbError('outcome_unknown', reason));
    this.#waiting.clear();
  }

  #set(catalog: Catalog): void {
    this.#catalog = catalog;
    for (const onChange of this.#watchers) onChange();
  }
}
