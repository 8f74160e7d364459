import { DbError } from '../../base/errors.ts';
import { Latch } from '../../base/async/latch.ts';
import type { Entry, Snapshot } from '../../raft/types.ts';
import { isMessageBlock } from '../../rpc/message.ts';
import { applyCommand } from '../apply/apply.ts';
import { emptyCatalog, versionNeeded, type Catalog, type CommandAnswer } from '../model/catalog.ts';
import { countsOf, type CatalogChange, type CatalogStep } from '../apply/catalog-changes.ts';
import { decodeCatalog, encodeCatalog, type CatalogForm } from '../codec/catalog-codec.ts';
import { decodeLogged, recodeLogged } from '../codec/command-codec.ts';
import { isLogged } from '../command/command-shape.ts';
import type { StateMachine } from './raft-driver.ts';
import { RecentChanges } from './recent-changes.ts';

export interface Executed {
  readonly answer: CommandAnswer;
  readonly index: number;
}

/** What a watcher is sent: the catalog whole, or what changed since it last heard. */
export type CatalogUpdate =
  | { readonly catalog: Uint8Array; readonly toIndex: number }
  | { readonly step: CatalogStep; readonly toIndex: number };

/**
 * The catalog as the log makes it, and those who wait for it.
 *
 * Invariant: snapshots are written in the form of protobuf from the first command on that is in it: its leader has seen that
 * every meta node reads it. A meta node that would pass over some of it does not start from it (decision 145).
 */
export class CatalogMachine implements StateMachine {
  #catalog = emptyCatalog;
  readonly #recent = new RecentChanges();
  /** Many ask for the whole at once when the metas come back. */
  #wholes: Partial<Record<CatalogForm, Uint8Array>> = {};
  readonly #watchers = new Set<() => void>();
  readonly #waiting = new Map<string, Latch<Executed>>();
  #form: CatalogForm = 'json';
  #isClosed = false;

  get catalog(): Catalog {
    return this.#catalog;
  }

  apply(entry: Entry): void {
    if (entry.kind !== 'command') return;
    const logged = decodeLogged(entry.data);
    this.#noteForm(entry.data);
    const { catalog, answer, isChange } = applyCommand(this.#catalog, entry.index, logged);
    if (isChange) this.#recent.add({ index: entry.index, command: entry.data });
    this.#set(catalog);
    if (!isLogged(logged)) return;
    this.#waiting.get(logged.id)?.open({ answer, index: entry.index });
    this.#waiting.delete(logged.id);
  }

  restore(snapshot: Snapshot): void {
    if (snapshot.data.length === 0) return;
    const catalog = decodeCatalog(snapshot.data);
    this.#noteForm(snapshot.data);
    this.#recent.reset(catalog.index);
    this.#set(catalog);
  }

  capture(): () => Uint8Array {
    const [catalog, form] = [this.#catalog, this.#form];
    return () => encodeCatalog(catalog, form, versionNeeded(catalog));
  }

  /** What one who knows the catalog of `index`, an older one, has to hear; nothing that is not of `form`, if that is JSON. */
  updateSince(index: number, form: CatalogForm): CatalogUpdate {
    const since = this.#recent.since(index);
    const last = since?.changes.at(-1);
    if (since === undefined) return { catalog: this.#encoded(form), toIndex: this.#catalog.index };
    const toIndex = since.isAll || last === undefined ? this.#catalog.index : last.index;
    const counts = since.isAll ? countsOf(this.#catalog) : undefined;
    const changes = form === 'json' ? since.changes.map(inJson) : since.changes;
    return { step: { fromIndex: index, toIndex, changes, counts }, toIndex };
  }

  /** Without what was answered: only a leader needs to know that. */
  #encoded(form: CatalogForm): Uint8Array {
    return (this.#wholes[form] ??= encodeCatalog({ ...this.#catalog, answered: [] }, form));
  }

  /** Whether what is under way was taken is not known once another leads. */
  onLeader(isLeader: boolean): void {
    if (!isLeader) this.#failWaiting('leadership was lost');
  }

  /** Nothing will be applied any more. */
  close(): void {
    this.#isClosed = true;
    this.#failWaiting('the node stops');
    for (const onChange of this.#watchers) onChange();
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

  #noteForm(bytes: Uint8Array): void {
    if (!isMessageBlock(bytes)) this.#form = 'protobuf';
  }

  #failWaiting(reason: string): void {
    for (const latch of this.#waiting.values()) latch.fail(new DbError('outcome_unknown', reason));
    this.#waiting.clear();
  }

  #set(catalog: Catalog): void {
    this.#catalog = catalog;
    this.#wholes = {};
    for (const onChange of this.#watchers) onChange();
  }
}

function inJson({ index, command }: CatalogChange): CatalogChange {
  return { index, command: recodeLogged(command, 'json') };
}
