import { compareUtf8 } from '../../base/compare-utf8.ts';
import { sortTexts } from '../../base/sort-texts.ts';
import { parseSeriesKey } from '../../models/parse-series-key.ts';
import type { ScanPart, ScanPlan } from '../plan/level-plan.ts';
import type { BlockStream } from '../assemble/merge-groups.ts';
import { cellValue } from '../exec/columns/column-builder.ts';
import { pickRows } from '../exec/columns/pick-rows.ts';
import type { RowsBlock, WindowsBlock } from '../fragment.ts';
import { pickTimes } from './columns.ts';
import type { RunContext, ScanShape } from './run-context.ts';
import { settled, type Steps } from './steps.ts';

/**
 * SLIMIT and SOFFSET (spec 6.3): the tag sets of a measurement of one policy that are on the page, as lists of values with the outermost
 * tags first; undefined where the statement has neither. They are counted over all series that pass WHERE as far as their
 * tags tell, with points in range or without, in the reference's order of tag sets: by the tags that are there, then by
 * their values. An offset without a limit leaves nothing, as in the reference.
 */
export function* seriesPage(
  { seriesLimit, seriesOffset }: Pick<ScanPlan, 'seriesLimit' | 'seriesOffset'>,
  part: ScanPart,
  { outerTags, innerTags }: Pick<ScanShape, 'outerTags' | 'innerTags'>,
  context: PageContext,
): Steps<ReadonlySet<string> | undefined> {
  if (seriesLimit === 0 && seriesOffset === 0) return undefined;
  if (seriesLimit === 0) return new Set();
  const listed = yield* settled(context.seriesKeys(part));
  const held = { bytes: 0 };
  const sets = yield* tagSets(listed.keys, [...outerTags, ...innerTags], held, context);
  listed.letGo();
  const sorting = sortTexts([...sets.keys()]);
  let step = sorting.next();
  for (; step.done !== true; step = sorting.next()) {
    const rest = context.pacer.rest();
    if (rest !== undefined) yield rest;
  }
  const onPage = step.value.slice(seriesOffset, seriesOffset + seriesLimit);
  context.account.release(held.bytes);
  return new Set(onPage.map((order) => sets.get(order) ?? ''));
}

interface PageContext extends Pick<RunContext, 'seriesKeys'> {
  readonly pacer: Pick<RunContext['pacer'], 'rest'>;
  readonly account: Pick<RunContext['account'], 'charge' | 'release'>;
}

/** What a tag set costs beside its characters. */
const setBytes = 128;

/** Values of the tag sets, by what puts them in order: of millions of series there may be as many, which are charged and added to `held`. */
function* tagSets(
  seriesKeys: ReadonlySet<string>,
  keys: readonly string[],
  held: { bytes: number },
  { pacer, account }: PageContext,
): Steps<ReadonlyMap<string, string>> {
  const sorted = [...keys].sort(compareUtf8);
  const sets = new Map<string, string>();
  for (const seriesKey of seriesKeys) {
    const tags = new Map(parseSeriesKey(seriesKey).tags.map(({ key, value }) => [key, value]));
    const present = sorted.flatMap((name) => {
      const value = tags.get(name);
      return value ? [{ name, value }] : [];
    });
    const order = [...present.map(({ name }) => name), ...present.map(({ value }) => value)];
    const text = order.join('|');
    if (!sets.has(text)) {
      const values = JSON.stringify(keys.map((name) => tags.get(name) ?? ''));
      const bytes = text.length + values.length + setBytes;
      account.charge(bytes);
      held.bytes += bytes;
      sets.set(text, values);
    }
    const rest = pacer.rest();
    if (rest !== undefined) yield rest;
  }
  return sets;
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
