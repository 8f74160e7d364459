import { compareUtf8 } from '../../base/compare-utf8.ts';
import type { ScanPart, ScanPlan } from '../plan/level-plan.ts';
import type { BlockStream } from '../assemble/merge-groups.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import { pickRows } from '../exec/columns/pick-rows.ts';
import type { RowsBlock, WindowsBlock } from '../fragment.ts';
import { pickTimes } from './columns.ts';
import type { RunContext, ScanShape } from './run-context.ts';

/**
 * SLIMIT and SOFFSET (spec 6.3): the tag sets of a measurement of one policy that are on the page, as lists of values with the outermost
 * tags first; undefined where the statement has neither. They are counted over all series that pass WHERE as far as their
 * tags tell, with points in range or without, in the reference's order of tag sets: by the tags that are there, then by
 * their values. An offset without a limit leaves nothing, as in the reference.
 */
export function seriesPage(
  { seriesLimit, seriesOffset }: Pick<ScanPlan, 'seriesLimit' | 'seriesOffset'>,
  part: ScanPart,
  { outerTags, innerTags }: Pick<ScanShape, 'outerTags' | 'innerTags'>,
  context: RunContext,
): ReadonlySet<string> | Promise<ReadonlySet<string>> | undefined {
  if (seriesLimit === 0 && seriesOffset === 0) return undefined;
  if (seriesLimit === 0) return new Set();
  const onPage = { start: seriesOffset, end: seriesOffset + seriesLimit };
  return context.seriesTags(part).then((all) => pageOf(all, [...outerTags, ...innerTags], onPage));
}

function pageOf(
  all: readonly ReadonlyMap<string, string>[],
  keys: readonly string[],
  { start, end }: { readonly start: number; readonly end: number },
): ReadonlySet<string> {
  const sorted = [...keys].sort(compareUtf8);
  const sets = new Map<string, string>();
  for (const tags of all) {
    const present = sorted.flatMap((name) => {
      const value = tags.get(name);
      return value ? [{ name, value }] : [];
    });
    const order = [...present.map(({ name }) => name), ...present.map(({ value }) => value)];
    sets.set(order.join('|'), JSON.stringify(keys.map((name) => tags.get(name) ?? '')));
  }
  const ordered = [...sets].sort(([a], [b]) => compareUtf8(a, b));
  return new Set(ordered.slice(start, end).map(([, values]) => values));
}

type Block = RowsBlock | WindowsBlock;

/** Blocks less what is not on the page. Windows are grouped by all tags; in rows the inner ones are the last columns. */
export function onPage(
  stream: BlockStream<Block>,
  page: ReadonlySet<string>,
  { outerTags, innerTags }: Pick<ScanShape, 'outerTags' | 'innerTags'>,
): BlockStream<Block> {
  const isWhole = (block: Block) => block.group.length === outerTags.length + innerTags.length;
  const passed = (block: Block): Block | undefined => {
    if (block.kind === 'rows' && !isWhole(block)) return pagedRows(block, page, innerTags.length);
    return page.has(JSON.stringify(block.group)) ? block : undefined;
  };
  const next = (): Block | undefined | Promise<Block | undefined> => {
    for (;;) {
      const block = stream.next();
      if (block instanceof Promise) return block.then((one) => one && (passed(one) ?? next()));
      const kept = block && passed(block);
      if (block === undefined || kept !== undefined) return kept;
    }
  };
  return { next, close: () => stream.close() };
}

function pagedRows(
  block: RowsBlock,
  page: ReadonlySet<string>,
  tagCount: number,
): RowsBlock | undefined {
  const { group, timesNs, columns, series } = block;
  const tags = columns.slice(columns.length - tagCount);
  const rows: number[] = [];
  for (let row = 0; row < timesNs.length; row++) {
    const inner = tags.map((column) => cellValue(column, row) ?? '');
    if (page.has(JSON.stringify([...group, ...inner]))) rows.push(row);
  }
  if (rows.length === 0) return undefined;
  if (rows.length === timesNs.length) return block;
  const picked = Int32Array.from(rows);
  return {
    ...block,
    timesNs: pickTimes(timesNs, picked),
    columns: columns.map((column) => pickRows(column, picked)),
    series: series && { ...series, at: Uint32Array.from(picked, (row) => series.at[row] ?? 0) },
  };
}
