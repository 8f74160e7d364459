/**
 * Packed blocks as other nodes are sent them: what packed-blocks.ts has, in one block of rpc/message.ts, made by the worker that
 * reads them. So the main threads in between hand on bytes, and whoever merges them makes a few views a column, where plain data
 * was a tree of JSON with a place for each column.
 *
 * What comes from another node is checked here: places lie within the block, texts within their bytes, and columns have as many
 * rows as their block has times.
 */
import { DbError } from '../../base/errors.ts';
import type { Column } from '../../query/column.ts';
import type { GroupKey, RowsBlock, WindowSummary } from '../../query/fragment.ts';
import { decodeMessage, encodeMessage } from '../../rpc/message.ts';
import { unpackParts, type BlockPacker, type BlockParts } from './packed-blocks.ts';
import type { FragmentBlock } from './shard-access.ts';

export function encodeSentBlocks(packer: BlockPacker): Uint8Array {
  const { numbers, ...rest } = packer.parts();
  return encodeMessage({ ...rest, numbers: new Uint32Array(numbers.buffer) });
}

/** Columns are views of `bytes`. Throws `corrupt`. */
export function decodeSentBlocks(bytes: Uint8Array): readonly FragmentBlock[] {
  const blocks = unpackParts(checkedParts(decodeMessage(bytes)));
  for (const block of blocks) {
    if (block.kind === 'rows') checkRows(block);
    else for (const summary of block.fields) checkSummary(summary);
  }
  return blocks;
}

function checkedParts(value: unknown): BlockParts {
  const { numbers, groups, seriesKeys, parts } = (value ?? {}) as Readonly<Record<string, unknown>>;
  if (!(numbers instanceof Uint32Array)) throw corrupt('has no numbers');
  if (!isTexts(groups) || !isTexts(seriesKeys)) throw corrupt('has no texts');
  const isParts = Array.isArray(parts) && parts.every((one) => one instanceof Uint8Array);
  if (!isParts) throw corrupt('has no columns');
  return { numbers, groups, seriesKeys, parts };
}

function isTexts(value: unknown): value is readonly GroupKey[] {
  const isText = (one: unknown) => typeof one === 'string';
  return Array.isArray(value) && value.every((one) => Array.isArray(one) && one.every(isText));
}

function checkRows({ timesNs, columns, series }: RowsBlock): void {
  for (const column of columns) {
    checkColumn(column);
    if (rowsOf(column) !== timesNs.length) throw corrupt('has uneven columns');
  }
  if (series === undefined) return;
  const { keys, at } = series;
  let placeMax = -1;
  for (let row = 0; row < at.length; row++) placeMax = Math.max(placeMax, at[row] ?? 0);
  if (at.length !== timesNs.length || placeMax >= keys.length)
    throw corrupt('has rows of no series');
}

function checkSummary({ sums, mins, maxs, firsts, lasts }: WindowSummary): void {
  if (sums !== undefined) checkColumn(sums);
  for (const selected of [mins, maxs, firsts, lasts])
    if (selected !== undefined) checkColumn(selected.values);
}

function checkColumn(column: Column): void {
  const { values, valid } = column;
  if ('offsets' in values) {
    let last = 0;
    for (const offset of values.offsets) {
      if (offset < last) throw corrupt('has texts that end before they begin');
      last = offset;
    }
    if (values.offsets.length === 0 || last > values.bytes.length)
      throw corrupt('has texts beyond their bytes');
  }
  if (valid !== undefined && valid.length !== rowsOf(column))
    throw corrupt('has marks for other rows');
}

function rowsOf({ values }: Column): number {
  return 'offsets' in values ? values.offsets.length - 1 : values.length;
}

function corrupt(what: string): DbError {
  return new DbError('corrupt', `sent blocks: it ${what}`);
}
