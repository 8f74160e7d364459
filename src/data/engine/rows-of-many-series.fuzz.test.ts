import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { blocksOf } from '../../../test/support/blocks-of.ts';
import { batchOf, deleteOf, doomed, kept, openStore } from '../../../test/support/store-script.ts';
import type { Env } from '../../env/env.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { cellValue } from '../../query/exec/columns/column-builder.ts';
import { FragmentContext } from '../../query/exec/context.ts';
import { fragmentVersion, type Fragment, type RowsTask } from '../../query/fragment.ts';
import type { ShardSource } from '../../query/source.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });

/** More than are open at once as a rule. */
const seriesCount = 600;
const shards = [kept, doomed];

const round = fc.record({
  shard: fc.constantFrom(0, 0, 1),
  from: fc.nat(seriesCount - 1),
  count: fc.constantFrom(40, 300, seriesCount),
  /** How much later each series begins than the one before: series that live one after the other, at once, or mixed up. */
  stepNs: fc.constantFrom(0, 0, 1, 1, -1, 7, 389),
  rows: fc.constantFrom(1, 1, 2, 4),
  startNs: fc.constantFrom(0, 0, 200, 700),
  fields: fc.constantFrom('f', 's', 'fs', 'fs'),
  after: fc.constantFrom('stay', 'flush', 'flush', 'compact', 'delete'),
});

const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
  fields: fc.constantFrom(['f'], ['s'], ['s', 'f']),
  ascending: fc.boolean(),
  groupBy: fc.constantFrom<readonly string[]>([], [], ['g']),
  limits: fc.constantFrom<Partial<RowsTask>>({}, {}, { rowsMax: 3 }, { shardRowsMax: 2 }, { seriesRowsMax: 1 }, { neededColumn: 0 }), // prettier-ignore
  showsSeries: fc.boolean(),
  bounds: fc.constantFrom<[bigint, bigint]>([-(2n ** 63n) + 2n, 2n ** 63n - 2n], [3n, 210n], [150n, 160n], [701n, 5_000n]), // prettier-ignore
  residual: fc.constantFrom(undefined, 100, 300),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function bodyOf(
  { from, count, stepNs, rows, startNs, fields }: Question['rounds'][number],
  seed: number,
): string {
  const lines: string[] = [];
  for (let i = from; i < Math.min(seriesCount, from + count); i++)
    for (let row = 0; row < rows; row++) {
      const timeNs = startNs + ((((i * stepNs) % 900) + 900) % 900) + row * 11;
      const value = (seed * 7 + i * 3 + row) % 500;
      const cells = [fields.includes('f') ? `f=${value}` : '', fields.includes('s') ? `s="v${value}"` : '']; // prettier-ignore
      lines.push(`m,h=${i},g=${i % 2} ${cells.filter((cell) => cell !== '').join(',')} ${timeNs}`);
    }
  return lines.join('\n');
}

const tally = { rows: 0, unopened: 0 };

function rowsOf(fragment: Fragment, sources: readonly ShardSource[]): unknown[] {
  const context = new FragmentContext(kernel, () => () => true, () => false); // prettier-ignore
  const rows: unknown[] = [];
  for (const block of blocksOf(fragment, sources, context)) {
    if (block.kind !== 'rows') throw new Error('rows expected');
    const { group, timesNs, columns, series } = block;
    timesNs.forEach((timeNs, row) => rows.push([group, timeNs, columns.map((column) => cellValue(column, row)), series?.keys[series.at[row] ?? -1]])); // prettier-ignore
  }
  return rows;
}

async function compare(
  { disk, clock }: Pick<Env, 'disk' | 'clock'>,
  asked: Question,
): Promise<void> {
  const store = await openStore(disk, clock);
  let stamp = 1n;
  for (const [seed, one] of asked.rounds.entries()) {
    const place = shards[one.shard] ?? kept;
    const { shardId } = place;
    await store.write(place, batchOf(bodyOf(one, seed)));
    if (one.after === 'flush') await store.flush(shardId);
    if (one.after === 'compact') await store.compact(shardId);
    if (one.after === 'delete') await store.deletePoints(shardId, deleteOf('m', { minTimeNs: 100n, maxTimeNs: 300n }, ++stamp)); // prettier-ignore
  }
  const views = shards.flatMap(({ shardId }) => store.view(shardId) ?? []);
  const [minTimeNs, maxTimeNs] = asked.bounds;
  const fragment: Fragment = {
    version: fragmentVersion,
    measurement: 'm',
    shardIds: [],
    minTimeNs,
    maxTimeNs,
    ascending: asked.ascending,
    groupBy: asked.groupBy,
    ...(asked.residual !== undefined && {
      predicate: { kind: 'compare', operator: '<', left: { kind: 'field', name: 'f' }, right: { kind: 'constant', value: asked.residual } }, // prettier-ignore
    }),
    task: {
      kind: 'rows',
      columns: [
        ...asked.fields.map((name) => ({ kind: 'field' as const, name, type: name === 'f' ? ('float' as const) : ('string' as const) })), // prettier-ignore
        { kind: 'tag', name: 'h' },
      ],
      rowsMax: 0,
      showsSeries: asked.showsSeries,
      ...asked.limits,
    },
  };
  for (const view of views) {
    const firstNs = view.firstNs.bind(view);
    view.firstNs = (request) => {
      const timeNs = firstNs(request);
      if (timeNs === undefined) tally.unopened++;
      return timeNs;
    };
  }
  const due = rowsOf(fragment, views);
  tally.rows += due.length;
  const opened = views.map((view) => Object.assign(view, { firstNs: undefined }));
  expect(due).toEqual(rowsOf(fragment, opened));
  for (const view of views) view.release();
  await store.close();
}

test('rows of many series: those that are opened when their rows are due are the rows of all that are open from the start', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 40, seed: 40 },
  );
  expect(tally.rows).toBeGreaterThan(4_000);
  expect(tally.unopened).toBeGreaterThan(1_000);
}, 60_000);
