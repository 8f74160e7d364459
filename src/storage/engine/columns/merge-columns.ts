/**
 * Merges one key's blocks of several files into blocks of full size, front to back.
 *
 * Invariants:
 * - what comes out ascends in time, each time once; of equal times the value of the newest lane counts;
 * - at most one decoded block a lane, and less than a block that waits, are held, however long the key is.
 *
 * The algorithm is one for all types; how rows are held and encoded is that of a RowsForm.
 */

import { keptSpans } from '../../tsm/deleted-ranges.ts';
import type { TimeRange } from '../../tsm/tombstones.ts';

/** Rows in memory, in some form: ascending, each time once, at least one unless said otherwise. */
export interface RowsForm<Rows> {
  decode(block: Uint8Array): Rows;
  count(rows: Rows): number;
  timeNs(rows: Rows, row: number): bigint;
  /** Of what has no fixed size; left out of what has. */
  bytes?(rows: Rows): number;
  cut(rows: Rows, start: number, end: number): Rows;
  /** Later parts win. */
  merge(parts: readonly Rows[]): Rows;
  /** One block of parts that follow each other in time. */
  encode(parts: readonly Rows[]): Uint8Array;
}

/** The blocks of one file for the key, ascending in time and apart from each other. */
export interface BlockLane {
  readonly count: number;
  block(i: number): Uint8Array;
  /** Of its rows. */
  readonly deleted: readonly TimeRange[];
}

export interface MergedBlock {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly bytes: Uint8Array;
}

/** `lanes` are oldest first. Yields nothing when no rows are left. */
export function* mergeColumns<Rows>(
  lanes: readonly BlockLane[],
  form: RowsForm<Rows>,
  { rowsPerBlock, bytesPerBlock = Infinity }: { readonly rowsPerBlock: number; readonly bytesPerBlock?: number }, // prettier-ignore
): Generator<MergedBlock> {
  const open = lanes.map((lane) => new OpenLane(lane, form));
  const waiting = new WaitingRows(form, { rowsPerBlock, bytesPerBlock });
  for (;;) {
    const active = open.filter((lane) => lane.load());
    if (active.length === 0) break;
    waiting.push(nextRows(active, form));
    yield* waiting.full();
  }
  yield* waiting.rest();
}

/** The rows that come next for sure: up to where the first of the lanes has to load another block. */
function nextRows<Rows>(active: readonly OpenLane<Rows>[], form: RowsForm<Rows>): Rows {
  let boundNs = (active[0] as OpenLane<Rows>).lastNs;
  for (const { lastNs } of active) if (lastNs < boundNs) boundNs = lastNs;
  const parts = active.flatMap((lane) => lane.takeUpTo(boundNs) ?? []);
  const [only] = parts;
  return parts.length === 1 && only !== undefined ? only : form.merge(parts);
}

class OpenLane<Rows> {
  readonly #lane: BlockLane;
  readonly #form: RowsForm<Rows>;
  #next = 0;
  #rows: Rows | undefined;
  /** Of the rows at hand. */
  #lastNs = 0n;
  /** Parts of the block at hand that follow, where a part between them is deleted. */
  #left: Rows[] = [];

  constructor(lane: BlockLane, form: RowsForm<Rows>) {
    this.#lane = lane;
    this.#form = form;
  }

  /** Whether the lane has rows at hand, after a look at its next blocks. */
  load(): boolean {
    while (this.#rows === undefined) {
      this.#rows = this.#left.shift();
      if (this.#rows !== undefined) {
        this.#lastNs = this.#form.timeNs(this.#rows, this.#form.count(this.#rows) - 1);
        break;
      }
      if (this.#next === this.#lane.count) return false;
      this.#left = this.#kept(this.#form.decode(this.#lane.block(this.#next++)));
    }
    return true;
  }

  #kept(rows: Rows): Rows[] {
    const { deleted } = this.#lane;
    if (deleted.length === 0) return [rows];
    const form = this.#form;
    const spans = keptSpans(form.count(rows), (row) => form.timeNs(rows, row), deleted);
    return spans.map(([start, end]) => form.cut(rows, start, end));
  }

  get lastNs(): bigint {
    return this.#lastNs;
  }

  /** Takes the rows up to a time, which counts; undefined when there are none. */
  takeUpTo(boundNs: bigint): Rows | undefined {
    const rows = this.#rows as Rows;
    const count = this.#form.count(rows);
    // Most blocks follow each other, and are taken whole or not at all.
    const end = this.#lastNs <= boundNs ? count : this.#firstAfter(rows, boundNs);
    if (end === 0) return undefined;
    this.#rows = end === count ? undefined : this.#form.cut(rows, end, count);
    return end === count ? rows : this.#form.cut(rows, 0, end);
  }

  #firstAfter(rows: Rows, boundNs: bigint): number {
    if (this.#form.timeNs(rows, 0) > boundNs) return 0;
    let low = 0;
    let high = this.#form.count(rows);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#form.timeNs(rows, middle) <= boundNs) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Rows that are merged and wait for a block to be full. */
class WaitingRows<Rows> {
  readonly #form: RowsForm<Rows>;
  readonly #rowsPerBlock: number;
  readonly #bytesPerBlock: number;
  #parts: Rows[] = [];
  #count = 0;
  /** Of those that wait, or a little more. */
  #bytes = 0;

  constructor(
    form: RowsForm<Rows>,
    {
      rowsPerBlock,
      bytesPerBlock,
    }: { readonly rowsPerBlock: number; readonly bytesPerBlock: number },
  ) {
    this.#form = form;
    this.#rowsPerBlock = rowsPerBlock;
    this.#bytesPerBlock = bytesPerBlock;
  }

  push(rows: Rows): void {
    this.#parts.push(rows);
    this.#count += this.#form.count(rows);
    this.#bytes += this.#form.bytes?.(rows) ?? 0;
  }

  *full(): Generator<MergedBlock> {
    while (this.#count >= this.#rowsPerBlock) yield this.#take(this.#rowsPerBlock);
    if (this.#bytes >= this.#bytesPerBlock) yield* this.rest();
  }

  *rest(): Generator<MergedBlock> {
    if (this.#count > 0) yield this.#take(this.#count);
  }

  #take(wanted: number): MergedBlock {
    const form = this.#form;
    const parts: Rows[] = [];
    let left = wanted;
    while (left > 0) {
      const part = this.#parts[0] as Rows;
      const count = form.count(part);
      const taken = Math.min(left, count);
      parts.push(taken === count ? part : form.cut(part, 0, taken));
      if (taken === count) this.#parts.shift();
      else this.#parts[0] = form.cut(part, taken, count);
      left -= taken;
    }
    this.#count -= wanted;
    if (this.#form.bytes !== undefined) this.#bytes = this.#parts.reduce((sum, part) => sum + (this.#form.bytes?.(part) ?? 0), 0); // prettier-ignore
    const last = parts[parts.length - 1] as Rows;
    return {
      minTimeNs: form.timeNs(parts[0] as Rows, 0),
      maxTimeNs: form.timeNs(last, form.count(last) - 1),
      bytes: form.encode(parts),
    };
  }
}
