/**
 * Blocks of files added to tables of windows where the kernel decodes them, without a cursor. Twin: RunCursor, batch by batch,
 * which also takes what is left to it here: parts of a series that overlap in time, or of which something is deleted.
 *
 * Invariant: the blocks of a field go to the table in ascending time, since another order changes the last digit of a sum.
 */
import { PlacedBlocks } from '../../../kernels/placed-blocks.ts';
import type { WindowTable } from '../../../kernels/window-table.ts';
import { FoundBlock } from '../../tsm/block-pieces.ts';
import type { TsmColumn } from '../../tsm/tsm-column.ts';
import type { TsmFile } from '../../tsm/tsm-file.ts';
import type { TimeBounds } from '../memtable/shape-table.ts';

export interface BlocksFold extends TimeBounds {
  /** The key of each column of the table. It holds until the next one is asked for. */
  readonly keyOf: (column: number) => Uint8Array;
  /** Columns in the order of their keys. */
  readonly columns: readonly number[];
  readonly table: WindowTable;
}

/** Blocks [start, end) of a field of a file. */
interface FieldBlocks {
  readonly column: number;
  readonly of: TsmColumn;
  readonly start: number;
  readonly end: number;
  /** Where the last block of the file ends that lies near behind these and is wanted too. */
  reach: number;
}

interface FileFields {
  readonly file: TsmFile;
  readonly fields: readonly FieldBlocks[];
  /** Of the field with the most. */
  readonly blockCount: number;
}

export class FoldedBlocks {
  readonly #files: readonly FileFields[];
  readonly #table: WindowTable;
  readonly #bounds: TimeBounds;
  /** What comes next: the file, the block of each of its fields, the field. */
  readonly #found = new FoundBlock();
  #file = 0;
  #block = 0;
  #field = 0;

  /** No point of them is later; undefined when there are none. */
  readonly lastNs: bigint | undefined;

  private constructor(
    files: readonly FileFields[],
    { table, minTimeNs, maxTimeNs }: BlocksFold,
    lastNs: bigint | undefined,
  ) {
    this.#files = files;
    this.#table = table;
    this.#bounds = { minTimeNs, maxTimeNs };
    this.lastNs = lastNs;
  }

  /** `files` ascend by their first times. Undefined where cursors have to be read. */
  static of(
    files: readonly { readonly file: TsmFile }[],
    request: BlocksFold,
  ): FoldedBlocks | undefined {
    const lastNs: (bigint | undefined)[] = [];
    const found: FileFields[] = [];
    for (const { file } of files) {
      const { bounds } = file;
      if (bounds === undefined || bounds.minTimeNs > request.maxTimeNs || bounds.maxTimeNs < request.minTimeNs) continue; // prettier-ignore
      const fields = fieldsOf(file, request, lastNs);
      if (fields === undefined) return undefined;
      const blockCount = fields.reduce((most, { start, end }) => Math.max(most, end - start), 0);
      if (blockCount > 0) found.push({ file, fields, blockCount });
    }
    const last = lastNs.reduce((most, one) => (most === undefined || (one !== undefined && one > most) ? one : most), undefined); // prettier-ignore
    return new FoldedBlocks(found, request, last);
  }

  /** Adds some more of them, a millisecond's work at the most, and answers how many points; undefined once there are none left. */
  next(): number | undefined {
    if (this.#file === this.#files.length) return undefined;
    const { blocks } = this.#table;
    while (this.#addNext(blocks));
    return blocks.fold(this.#bounds);
  }

  /** False when there is no more, or no more room. Blocks of one place of all fields follow each other: they mostly have the same times. */
  #addNext(blocks: PlacedBlocks): boolean {
    const at = this.#files[this.#file];
    if (at === undefined) return false;
    const { file, fields, blockCount } = at;
    for (; this.#block < blockCount; this.#block++, this.#field = 0)
      for (; this.#field < fields.length; this.#field++) {
        const { column, of, start, end, reach } = fields[this.#field] as FieldBlocks;
        const i = start + this.#block;
        if (i >= end) continue;
        const place = of.placeOf(i);
        const found = file.find(place, this.#found);
        if (!blocks.add(column, found, found.end + reach - place.offset - place.lengthBytes))
          return false;
      }
    this.#file++;
    this.#block = 0;
    return true;
  }
}

/** The blocks of a file within the bounds; undefined when they cannot be folded. `lastNs` are the last times before, by column. */
function fieldsOf(
  file: TsmFile,
  { keyOf, columns, minTimeNs, maxTimeNs }: BlocksFold,
  lastNs: (bigint | undefined)[],
): readonly FieldBlocks[] | undefined {
  const fields: FieldBlocks[] = [];
  let wantedBytes = 0;
  let fromOffset = 0;
  for (let kind = 0; kind < columns.length; kind++) {
    const column = columns[kind] ?? 0;
    const key = keyOf(column);
    const of = file.column(key, kind);
    if (of === undefined) continue;
    const [start, end] = of.within({ minTimeNs, maxTimeNs });
    if (start === end) continue;
    const bounds = of.boundsOf(start, end);
    const before = lastNs[column];
    if (before !== undefined && bounds.minTimeNs <= before) return undefined;
    if (file.deletedRanges(key).length > 0) return undefined;
    const { offset } = of.placeOf(start);
    const last = of.placeOf(end - 1);
    const reach = last.offset + last.lengthBytes;
    if (reach - offset > PlacedBlocks.blockBytesMax && hasLarge(of, start, end)) return undefined;
    if (fields.length === 0) fromOffset = offset;
    wantedBytes += reach - offset;
    lastNs[column] = bounds.maxTimeNs;
    fields.push({ column, of, start, end, reach });
  }
  // Where most of what lies between is wanted all of it is copied at once.
  const reach = fields[fields.length - 1]?.reach ?? 0;
  if (reach - fromOffset < wantedBytes * 2) for (const field of fields) field.reach = reach;
  return fields;
}

function hasLarge(of: TsmColumn, start: number, end: number): boolean {
  for (let i = start; i < end; i++)
    if (of.placeOf(i).lengthBytes > PlacedBlocks.blockBytesMax) return true;
  return false;
}
