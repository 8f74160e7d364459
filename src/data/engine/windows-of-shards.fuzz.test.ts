import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { blocksOf } from '../../../test/support/blocks-of.ts';
import { memoryArena } from '../../../test/support/memory-source.ts';
import { batchOf, deleteOf, doomed, kept, openStore } from '../../../test/support/store-script.ts';
import type { Env } from '../../env/env.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { cellValue } from '../../query/exec/columns/column-builder.ts';
import { FragmentContext } from '../../query/exec/context.ts';
import { fragmentVersion, type Fragment, type SummaryPart, type WindowSummary } from '../../query/fragment.ts'; // prettier-ignore

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });

/** Names that are written with escapes, begin like each other, or are not there. */
const odd = ['h=a\\ b', 'h=a\\,b', 'h=a\\=b', 'h=#!~#', 'h=a#!~#b', 'g=1', 'h=ä', 'h=a', 'h=aa,g=1', 'h=aa']; // prettier-ignore
const series = [...odd, ...Array.from({ length: 50 }, (_, i) => `h=h${i}${i % 3 === 0 ? ',g=1' : ''}`)].map((tags) => `m,${tags}`); // prettier-ignore
const wholes = ['0', '-1', '7', '9223372036854775807', '-9223372036854775808', '9007199254740993'];
const floats = ['0', '-0', '0.1', '1e300', '-1e300', '3.3', '5e-324', '1e-7'];
const shards = [kept, doomed];

const round = fc.record({
  shard: fc.constantFrom(0, 0, 0, 1),
  from: fc.nat(40),
  count: fc.constantFrom(1, 20, 60, 60),
  step: fc.constantFrom(1, 1, 2),
  rows: fc.constantFrom(1, 2, 5),
  time: fc.constantFrom(0, 0, 3, 10, 20, 20, 30),
  /** Which of the fields lines have. */
  mask: fc.constantFrom(31, 31, 31, 1, 3, 6, 24),
  isBackward: fc.boolean(),
  after: fc.constantFrom('stay', 'stay', 'flush', 'flush', 'flush', 'compact', 'delete', 'drop'),
});
const field = fc.constantFrom<'f' | 'i' | 's' | 'b' | 'u'>('f', 'f', 'i', 'i', 'u', 'b', 's');
const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 7 }),
  seed: fc.integer({ min: 1, max: 2 ** 31 }),
  otherType: fc.constantFrom(false, false, true),
  fields: fc.uniqueArray(field, { minLength: 1, maxLength: 4 }),
  parts: fc.uniqueArray(fc.constantFrom<SummaryPart>('count', 'sum', 'min', 'max', 'first', 'last'), { minLength: 1 }), // prettier-ignore
  groupBy: fc.constantFrom<readonly string[]>([], [], ['h'], ['h'], ['g'], ['g', 'h']),
  intervalNs: fc.constantFrom(0n, 0n, 1n, 7n, 100n),
  bounds: fc.constantFrom<[bigint, bigint]>([-(2n ** 63n) + 2n, 2n ** 63n - 2n], [3n, 21n], [11n, 119n], [0n, 130n], [60n, 99n]), // prettier-ignore
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

const types = { f: 'float', i: 'integer', u: 'unsigned', b: 'boolean', s: 'string' } as const;

function bodyOf(
  { from, count, step, rows, time, mask, isBackward, shard }: Question['rounds'][number],
  { otherType }: Question,
  dice: (most: number) => number,
): string {
  const lines: string[] = [];
  // As times of shards do not overlap.
  const first = time + shard * 100;
  for (let n = 0; n < rows; n++)
    for (let i = from; i < Math.min(series.length, from + count); i += step) {
      const whole = wholes[dice(wholes.length)] as string;
      const all = [
        `f=${floats[dice(floats.length)]}`,
        shard === 1 && otherType ? `i=${dice(9)}.5` : `i=${whole}i`,
        `u=${whole.replace('-', '')}i`,
        `b=${dice(2) === 0}`,
        `s="${dice(99)}"`,
      ].filter((_, bit) => ((mask >> bit) & 1) === 1);
      lines.push(`${series[i]} ${all.join(',')} ${first + (isBackward ? rows - 1 - n : n)}`);
    }
  return lines.join('\n');
}

function shown(summary: WindowSummary, wanted: readonly SummaryPart[], type: string): unknown {
  const cells = (column: Parameters<typeof cellValue>[0] | undefined) =>
    column && Array.from(summary.startsNs, (_, i) => cellValue(column, i));
  const of = {
    count: () => [...summary.counts],
    sum: () => (type === 'string' || type === 'boolean' ? [] : cells(summary.sums)),
    min: () => (type === 'string' ? [] : [...(summary.mins?.timesNs ?? []), cells(summary.mins?.values)]), // prettier-ignore
    max: () => (type === 'string' ? [] : [...(summary.maxs?.timesNs ?? []), cells(summary.maxs?.values)]), // prettier-ignore
    first: () => [...(summary.firsts?.timesNs ?? []), cells(summary.firsts?.values)],
    last: () => [...(summary.lasts?.timesNs ?? []), cells(summary.lasts?.values)],
  };
  return [[...summary.startsNs], wanted.map((part) => of[part]())];
}

/** Some hosts are in the later shard alone, and come first. */
const laterFirst: Question = {
  rounds: [
    { shard: 0, from: 10, count: 60, step: 1, rows: 5, time: 0, mask: 31, isBackward: false, after: 'flush' }, // prettier-ignore
    { shard: 1, from: 0, count: 60, step: 1, rows: 5, time: 0, mask: 31, isBackward: false, after: 'flush' }, // prettier-ignore
  ],
  seed: 5,
  otherType: false,
  fields: ['f'],
  parts: ['sum'],
  groupBy: ['h'],
  intervalNs: 0n,
  bounds: [0n, 999n],
};

const tally = { together: 0, blocks: 0 };

async function compare({ disk, clock }: Pick<Env, 'disk' | 'clock'>, asked: Question): Promise<void> {
  const store = await openStore(disk, clock);
  let state = asked.seed;
  const dice = (most: number): number => ((state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) >>> 8) % most; // prettier-ignore
  let stamp = 1n;
  for (const one of asked.rounds) {
    const body = bodyOf(one, asked, dice);
    const place = shards[one.shard] ?? kept;
    if (body !== '') await store.write(place, batchOf(body));
    const { shardId } = place;
    if (one.after === 'flush') await store.flush(shardId);
    if (one.after === 'compact') await store.compact(shardId);
    if (one.after === 'delete') await store.deletePoints(shardId, deleteOf('m', { minTimeNs: 4n, maxTimeNs: 11n }, ++stamp)); // prettier-ignore
    if (one.after === 'drop') await store.deletePoints(shardId, deleteOf('m,h=h1', { minTimeNs: -(2n ** 63n), maxTimeNs: 2n ** 63n - 1n }, ++stamp)); // prettier-ignore
  }
  const views = shards.flatMap(({ shardId }) => store.view(shardId) ?? []); // prettier-ignore
  for (const view of views) {
    const foldMany = view.foldMany.bind(view);
    view.foldMany = (request) => {
      const done = foldMany(request);
      tally.together += done.seriesCount;
      return done;
    };
  }
  const [minTimeNs, maxTimeNs] = asked.bounds;
  const fragment: Fragment = {
    version: fragmentVersion,
    measurement: 'm',
    shardIds: [],
    minTimeNs,
    maxTimeNs,
    ascending: true,
    groupBy: asked.groupBy,
    task: {
      kind: 'windows',
      fields: asked.fields.map((name) => ({ name, type: name === 'u' ? 'integer' : types[name], parts: asked.parts })), // prettier-ignore
      intervalNs: asked.intervalNs,
      offsetNs: 3n,
    },
  };
  const answers = [kernel, memoryArena()].map((arena) => {
    const context = new FragmentContext(arena, () => () => true, () => false);
    return [...blocksOf(fragment, views, context)].map((block) => {
      if (block.kind !== 'windows') throw new Error('windows expected');
      tally.blocks++;
      return [block.group, block.fields.map((summary, i) => shown(summary, asked.parts, types[asked.fields[i] ?? 'f']))]; // prettier-ignore
    });
  });
  expect(answers[0]).toEqual(answers[1]);
  expect(kernel.arena.mark()).toBe(kernel.arena.base);
  for (const view of views) view.release();
  await store.close();
} // prettier-ignore

test('windows of shards: kernels and cursors have the same answers, whatever was written, deleted and flushed', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 80, seed: 9202, examples: [[laterFirst]] },
  );
  expect(tally.together).toBeGreaterThan(500);
  expect(tally.blocks).toBeGreaterThan(500);
});
