import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../../test/sim/world/world.ts';
import { foldAll, shownWindows } from '../../../../test/support/shown-windows.ts';
import { encodeBlock } from '../../../codec/block.ts';
import type { Disk } from '../../../env/disk.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../../kernels/query-kernel.ts';
import { summaryParts, type SummaryPart, type WindowTable } from '../../../kernels/window-table.ts';
import { FieldType } from '../../../models/field-value.ts';
import { PageCache } from '../../pages/page-cache.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { TsmWriter } from '../../tsm/tsm-writer.ts';
import { emptyColumn } from './column-run.ts';
import { FileBlocks } from './file-blocks.ts';
import { FoldedBlocks } from './fold-blocks.ts';
import { RunCursor } from './run-cursor.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const types = ['float', 'integer', 'unsigned'] as const;
const fieldTypes = [FieldType.float, FieldType.integer, FieldType.unsigned] as const;
const keys = types.map((type) => new TextEncoder().encode(`m#!~#${type}`));

/** How values and times of a block go on: each way is another encoding, or another width of it. */
const shape = fc.record({
  rows: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 900, max: 1_400 })),
  times: fc.constantFrom('even', 'even', 'even', 'jitter', 'far'),
  values: fc.constantFrom('same', 'ramp', 'falling', 'walk', 'wide', 'any'),
  bits: fc.integer({ min: 1, max: 40 }),
});
const file = fc.record({
  /** Whether a field is in it. */
  has: fc.tuple(fc.boolean(), fc.boolean(), fc.boolean()),
  blocks: fc.array(shape, { minLength: 1, maxLength: 3 }),
  /** How far before the end of the file before it its times begin; mostly they follow. */
  back: fc.constantFrom(0n, 0n, 0n, 0n, 30n),
});
const question = fc.record({
  files: fc.array(file, { minLength: 1, maxLength: 3 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  stepNs: fc.constantFrom(1n, 3n, 10n),
  cuts: fc.tuple(fc.integer({ min: 0, max: 997 }), fc.integer({ min: 0, max: 997 })),
  isCut: fc.boolean(),
  intervalNs: fc.constantFrom(1n, 7n, 10n, 60n, 1_000n, 0n),
  parts: fc.uniqueArray(fc.constantFrom<SummaryPart>(...summaryParts)),
  deletes: fc.constantFrom(false, false, false, true),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

class Dice {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  upTo(bits: number): bigint {
    let word = 0n;
    for (let i = 0; i < 4; i++) {
      this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
      word = (word << 16n) | BigInt(this.#state >>> 16);
    }
    return BigInt.asUintN(bits, word);
  }
}

type Shape = Question['files'][number]['blocks'][number];

function timesOf(
  { rows, times }: Shape,
  { stepNs, startNs, dice }: { readonly stepNs: bigint; readonly startNs: bigint; readonly dice: Dice }, // prettier-ignore
): BigInt64Array {
  const all = new BigInt64Array(rows);
  let timeNs = startNs;
  for (let i = 0; i < rows; i++) {
    all[i] = timeNs;
    if (times === 'even') timeNs += stepNs;
    else if (times === 'jitter') timeNs += stepNs + dice.upTo(3);
    // Beyond what is packed, once.
    else timeNs += i === 0 ? 2n ** 60n + 1n : stepNs;
  }
  return all;
}

function valuesOf(type: FieldType, { rows, values, bits }: Shape, dice: Dice) {
  const column = emptyColumn(type, rows);
  let value = dice.upTo(values === 'any' ? 64 : 6);
  for (let i = 0; i < rows; i++) {
    if (column instanceof Float64Array)
      column[i] = floatOf(Number(BigInt.asIntN(64, value)), values);
    else column[i] = value;
    if (values === 'ramp') value += 5n;
    else if (values === 'falling') value -= 1n;
    else if (values === 'walk') value += dice.upTo(3) - 3n;
    else if (values === 'wide') value += dice.upTo(bits) - (1n << BigInt(bits - 1));
    else if (values === 'any') value = dice.upTo(64);
  }
  return column;
}

/** Mostly with digits behind the point, so that the order of a sum shows; some are zeros of either sign. */
function floatOf(value: number, kind: string): number {
  return value % 7 === 0 ? (value % 2 === 0 ? -0 : 0) : kind === 'walk' ? value : value / 3;
}

async function writeFiles(
  disk: Disk,
  { files, seed, stepNs }: Question,
  cache: PageCache,
): Promise<TsmFile[]> {
  const dice = new Dice(seed);
  const opened: TsmFile[] = [];
  let startNs = -200n;
  for (const [number, { has, blocks, back }] of files.entries()) {
    const path = `${number}.tsm`;
    const writer = new TsmWriter(await disk.open(path, 'create'));
    startNs -= back;
    let endNs = startNs;
    // Fields of a series mostly have the same times.
    const times = blocks.map((block) => {
      const timesNs = timesOf(block, { stepNs, startNs: endNs, dice });
      endNs = (timesNs[timesNs.length - 1] ?? 0n) + 1n;
      return timesNs;
    });
    for (const [field, type] of fieldTypes.entries())
      for (const [i, block] of blocks.entries()) {
        const timesNs = times[i] ?? new BigInt64Array();
        const bounds = {
          minTimeNs: timesNs[0] ?? 0n,
          maxTimeNs: timesNs[timesNs.length - 1] ?? 0n,
        };
        const run = { type, timesNs, values: valuesOf(type, block, dice) };
        if (has[field] === true || (field === 0 && !has.includes(true)))
          writer.add({ key: keys[field] as Uint8Array, type, ...bounds, bytes: encodeBlock(run) });
      }
    startNs = endNs;
    const seal = await writer.finish();
    writer.release();
    opened.push(await TsmFile.open({ disk, cache, blocks: cache }, path, seal));
  }
  return opened;
}

interface Bounds {
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
}

function byCursors(files: readonly TsmFile[], table: WindowTable, bounds: Bounds): number {
  const { arena } = kernel;
  let count = 0;
  for (const [column, key] of keys.entries()) {
    const request = { ...bounds, ascending: true };
    const pieces = files.flatMap((one) => [
      ...(FileBlocks.of(one, key, request)?.pieces(true) ?? []),
    ]);
    const cursor = new RunCursor(pieces, request);
    const mark = arena.mark();
    for (let batch = cursor.next(arena); batch !== undefined; batch = cursor.next(arena)) {
      table.fold(column, batch);
      count += batch.count;
    }
    arena.release(mark);
  }
  return count;
}

const tally = { folded: 0, left: 0, points: 0 };

async function compare(disk: Disk, asked: Question): Promise<void> {
  const cache = new PageCache(1 << 20);
  const files = await writeFiles(disk, asked, cache);
  const all = files.flatMap(({ bounds }) => bounds ?? []);
  const lowNs = all.reduce((least, { minTimeNs }) => (minTimeNs < least ? minTimeNs : least), 0n);
  const highNs = all.reduce((most, { maxTimeNs }) => (maxTimeNs > most ? maxTimeNs : most), 0n);
  const spanNs = highNs - lowNs;
  const at = (part: number): bigint => lowNs + (spanNs * BigInt(part)) / 997n;
  const [a, b] = asked.cuts.map(at) as [bigint, bigint];
  const cut = a < b ? { minTimeNs: a, maxTimeNs: b } : { minTimeNs: b, maxTimeNs: a };
  const bounds = asked.isCut ? cut : { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n };
  const leastNs = spanNs / 4_000n + 1n;
  const intervalNs = asked.intervalNs === 0n || asked.intervalNs < leastNs ? leastNs : asked.intervalNs; // prettier-ignore
  const grid = { startNs: lowNs - 3n, intervalNs, count: Number((spanNs + 3n) / intervalNs) + 1 };
  if (asked.deletes) files[0]?.forgetRange([0], { minTimeNs: lowNs, maxTimeNs: lowNs + 20n });
  const mark = kernel.arena.mark();
  const columns = types.map((type) => ({ type, parts: asked.parts }));
  const [folded, wanted] = [kernel.windowTable(columns, grid), kernel.windowTable(columns, grid)];
  const fold = FoldedBlocks.of(files.map((file) => ({ file })), { ...bounds, table: folded, keyOf: (i) => keys[i] as Uint8Array, columns: [0, 1, 2] }); // prettier-ignore
  const count = foldAll(fold);
  if (count === undefined) {
    tally.left++;
    expect(shownWindows(folded.finish())).toEqual(shownWindows(kernel.windowTable(columns, grid).finish())); // prettier-ignore
  } else {
    tally.folded++;
    tally.points += count;
    expect(count).toBe(byCursors(files, wanted, bounds));
    expect(shownWindows(folded.finish())).toEqual(shownWindows(wanted.finish()));
  }
  kernel.arena.release(mark);
  for (const one of files) await one.close();
}

test('fold blocks: blocks of any encoding that are folded as they are give the words that cursors give', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      const { disk } = world.addNode('a').env;
      await world.complete(compare(disk, asked));
    }),
    { numRuns: 150, seed: 5 },
  );
  // Most questions are answered without cursors, and those of overlaps and deletes by them.
  expect(tally.folded).toBeGreaterThan(80);
  expect(tally.left).toBeGreaterThan(10);
  expect(tally.points).toBeGreaterThan(100_000);
});
