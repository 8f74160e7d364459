import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { batchOf, deleteOf, doomed, kept, openStore } from '../../../test/support/store-script.ts';
import type { Env } from '../../env/env.ts';
import { compiledKernels } from '../../kernels/module/kernel-module.ts';
import { QueryKernel } from '../../kernels/query-kernel.ts';
import { FragmentContext } from '../../query/exec/context.ts';
import { runAlikeFragments, runFragment } from '../../query/exec/run-fragment.ts';
import { fragmentEnd, packAlike } from '../../query/fragment-run.ts';
import { fragmentVersion, type Fragment, type SummaryPart } from '../../query/fragment.ts';

const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 28 });
const names = Array.from({ length: 24 }, (_, i) => `m${String(i).padStart(2, '0')}`);
const shards = [kept, doomed];

const round = fc.record({
  shard: fc.constantFrom(0, 0, 1),
  /** Measurements that have lines. */
  from: fc.nat(20),
  count: fc.constantFrom(1, 5, 24, 24),
  hosts: fc.constantFrom(1, 1, 2, 30),
  rows: fc.constantFrom(1, 2, 40),
  time: fc.constantFrom(0, 0, 3, 30),
  /** Which fields a measurement has: all alike, or each its own. */
  fields: fc.constantFrom('f', 'f', 'f,i', 'own'),
  after: fc.constantFrom('stay', 'stay', 'flush', 'flush', 'compact', 'delete'),
});
const question = fc.record({
  rounds: fc.array(round, { minLength: 1, maxLength: 5 }),
  fields: fc.constantFrom<readonly ('f' | 'i')[]>(['f'], ['f'], ['i'], ['f', 'i']),
  /** What the second shard has under one name is of another type there. */
  otherType: fc.constantFrom(false, false, true),
  parts: fc.uniqueArray(fc.constantFrom<SummaryPart>('count', 'sum', 'min', 'max', 'first', 'last'), { minLength: 1 }), // prettier-ignore
  groupBy: fc.constantFrom<readonly string[]>([], [], ['h']),
  intervalNs: fc.constantFrom(0n, 0n, 7n, 1n),
  bounds: fc.constantFrom<[bigint, bigint]>([-(2n ** 63n) + 2n, 2n ** 63n - 2n], [3n, 121n], [1n, 9n]), // prettier-ignore
  pointsMax: fc.constantFrom(0, 0, 0, 60),
});
type Question = typeof question extends fc.Arbitrary<infer T> ? T : never;

function bodyOf(one: Question['rounds'][number], otherType: boolean): string {
  const lines: string[] = [];
  const first = one.time + one.shard * 100;
  for (const [at, name] of names.slice(one.from, one.from + one.count).entries())
    for (let host = 0; host < one.hosts; host++)
      for (let row = 0; row < one.rows; row++) {
        const value = (at * 7 + host * 3 + row * 11) % 17;
        const whole = one.shard === 1 && otherType && at === 2 ? `i=${value}.5` : `i=${value}i`;
        const own = at % 3 === 0 ? whole : at % 3 === 1 ? `f=${value}.3,x${at}=1` : `f=${value}.7`;
        const fields = one.fields === 'own' ? own : one.fields === 'f' ? `f=${value}.1` : `f=${value}.5,${whole}`; // prettier-ignore
        lines.push(`${name},h=h${host} ${fields} ${first + row}`);
      }
  return lines.join('\n');
}

const tally = { blocks: 0, together: 0, refused: 0 };

/** What fragments answer, or say that it is too much. */
function answered<T>(answer: () => readonly T[]): readonly T[] | string {
  try {
    return answer();
  } catch (error) {
    tally.refused++;
    return (error as Error).message;
  }
}

async function compare({ disk, clock }: Pick<Env, 'disk' | 'clock'>, asked: Question): Promise<void> {
  const store = await openStore(disk, clock);
  let stamp = 1n;
  for (const one of asked.rounds) {
    const place = shards[one.shard] ?? kept;
    const { shardId } = place;
    await store.write(place, batchOf(bodyOf(one, asked.otherType)));
    if (one.after === 'flush') await store.flush(shardId);
    if (one.after === 'compact') await store.compact(shardId);
    if (one.after === 'delete') await store.deletePoints(shardId, deleteOf('m05', { minTimeNs: 4n, maxTimeNs: 11n }, ++stamp)); // prettier-ignore
  }
  const views = shards.flatMap(({ shardId }) => store.view(shardId) ?? []);
  const [minTimeNs, maxTimeNs] = asked.bounds;
  const fields = asked.fields.map((name) => ({ name, type: name === 'f' ? ('float' as const) : ('integer' as const), parts: asked.parts })); // prettier-ignore
  const task = { kind: 'windows', fields, intervalNs: asked.intervalNs, offsetNs: 3n } as const;
  const times = { minTimeNs, maxTimeNs, ascending: true };
  const fragments = [...names, 'none'].map((measurement): Fragment => ({ version: fragmentVersion, measurement, shardIds: [], ...times, groupBy: asked.groupBy, task, pointsMax: asked.pointsMax })); // prettier-ignore
  const contextOf = () => new FragmentContext(kernel, () => () => true, () => false); // prettier-ignore
  const alone = answered(() =>
    fragments.flatMap((fragment) => [...[...runFragment(fragment, views, contextOf())].filter((block) => block !== undefined), fragmentEnd]), // prettier-ignore
  );
  for (const view of views) {
    const foldMany = view.foldMany.bind(view);
    view.foldMany = (request) => {
      const done = foldMany(request);
      if (request.measurements.length > 1) tally.together += done.seriesCount;
      return done;
    };
  }
  const together = answered(() =>
    packAlike(fragments).flatMap((alike) => [...runAlikeFragments(alike, views, contextOf)].filter((block) => block !== undefined)), // prettier-ignore
  );
  expect(together).toEqual(alone);
  tally.blocks += together.length;
  if (typeof together !== 'string') expect(kernel.arena.mark()).toBe(kernel.arena.base);
  kernel.arena.release(kernel.arena.base);
  for (const view of views) view.release();
  await store.close();
} // prettier-ignore

test('alike windows: fragments of many measurements answer together what each answers alone', async () => {
  await fc.assert(
    fc.asyncProperty(question, async (asked) => {
      const world = new World(1);
      await world.complete(compare(world.addNode('a').env, asked), 10_000_000);
    }),
    { numRuns: 60, seed: 9207 },
  );
  expect(tally.together).toBeGreaterThan(500);
  expect(tally.blocks).toBeGreaterThan(2_000);
  expect(tally.refused).toBeGreaterThan(2);
});
