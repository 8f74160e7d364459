import { keyOf, type Part, type Row, rowText } from './points.ts';

/** What an owner said of a part: it has all of it, or all but the rows that may be refused. */
export type Receipt = 'whole' | 'refused';

/** What clients asked for and were told, and what owners said. */
export class History {
  readonly asked = new Map<number, Part>();
  /** Parts acknowledged to their client, with the catalog index that the coordinator had then. */
  readonly acknowledged = new Map<number, number>();
  /** What owners called durable, by their names. */
  readonly durable = new Map<string, Map<number, Receipt>>();
  /** What hinted handoff called durable for owners, by their names. */
  readonly queued = new Map<string, Set<number>>();
  /** Databases that someone has asked to drop: their points may go. */
  readonly dropped = new Set<string>();
  readonly #rows = new Map<string, { readonly part: Part; readonly row: Row; readonly text: string }>(); // prettier-ignore
  refusedCount = 0;

  ask(part: Part): void {
    this.asked.set(part.id, part);
    for (const row of [...part.rows, ...part.doubtful])
      this.#rows.set(keyOf(row), { part, row, text: rowText(row.fields) });
  }

  partOf(key: string): Part | undefined {
    return this.#rows.get(key)?.part;
  }

  /** The fields that were written at this series and time. */
  textOf(key: string): string | undefined {
    return this.#rows.get(key)?.text;
  }

  /** Whether a row is what was written there but for fields that are left out. */
  isSomeOf(key: string, text: string): boolean {
    const fields = [...(this.#rows.get(key)?.row.fields ?? [])];
    for (let left = 1; left < 2 ** fields.length; left++)
      if (rowText(fields.filter((_, i) => (left & (1 << i)) !== 0)) === text) return true;
    return false;
  }

  noteQueued(node: string, keys: Iterable<string>): void {
    const parts = this.queued.get(node) ?? new Set<number>();
    this.queued.set(node, parts);
    for (const key of keys) {
      const part = this.partOf(key);
      if (part !== undefined) parts.add(part.id);
    }
  }

  noteDurable(node: string, keys: Iterable<string>, receipt: Receipt): void {
    const parts = this.durable.get(node) ?? new Map<number, Receipt>();
    this.durable.set(node, parts);
    for (const key of keys) {
      const part = this.partOf(key);
      if (part === undefined) continue;
      parts.set(part.id, part.doubtful.length > 0 ? receipt : 'whole');
    }
  }
}
