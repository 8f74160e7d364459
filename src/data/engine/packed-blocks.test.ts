import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Column } from '../../query/column.ts';
import type { FragmentBlock } from './shard-access.ts';
import { batchBlocks } from './block-batches.ts';
import { BlockPacker, unpackBlocks } from './packed-blocks.ts';

const times = fc.bigInt64Array({ maxLength: 2_000 });
const nulls = fc.option(fc.uint8Array({ max: 1, maxLength: 9 }), { nil: undefined });
const column: fc.Arbitrary<Column> = fc.oneof(
  fc.record({ type: fc.constant('float' as const), values: fc.float64Array(), valid: nulls }),
  fc.record({ type: fc.constant('integer' as const), values: times, valid: nulls }),
  fc.record({ type: fc.constant('unsigned' as const), values: fc.bigUint64Array(), valid: nulls }),
  fc.record({ type: fc.constant('boolean' as const), values: fc.uint8Array(), valid: nulls }),
  fc.record({
    type: fc.constant('string' as const),
    values: fc.record({ offsets: fc.uint32Array({ minLength: 1 }), bytes: fc.uint8Array() }),
    valid: nulls,
  }),
);
const selected = fc.option(fc.record({ timesNs: times, values: column }), { nil: undefined });
const summary = fc.record({
  startsNs: times,
  counts: times,
  sums: fc.option(column, { nil: undefined }),
  mins: selected,
  maxs: selected,
  firsts: selected,
  lasts: selected,
});
const series = fc.option(fc.record({ keys: fc.array(fc.string()), at: fc.uint32Array() }), { nil: undefined }); // prettier-ignore
const group = fc.array(fc.string(), { maxLength: 3 });
const block: fc.Arbitrary<FragmentBlock> = fc.oneof(
  fc.record({ kind: fc.constant('rows' as const), group, timesNs: times, columns: fc.array(column, { maxLength: 4 }), series }), // prettier-ignore
  fc.record({ kind: fc.constant('windows' as const), group, fields: fc.array(summary, { maxLength: 3 }) }), // prettier-ignore
);

test('packed blocks: what arrives is what was packed, and its buffers have moved', () => {
  fc.assert(
    fc.property(fc.array(block, { maxLength: 12 }), (blocks) => {
      const wanted = structuredClone(blocks);
      const packer = new BlockPacker();
      for (const one of blocks) packer.add(one);
      expect(packer.blockCount).toBe(blocks.length);
      const packed = packer.take();
      const arrived = structuredClone(packed, { transfer: [...packed.buffers] });
      expect(unpackBlocks(arrived)).toEqual(wanted);
    }),
    { numRuns: 100, seed: 1 },
  );
});

test('packed blocks: a column that lies in a larger buffer arrives as the rows that it names', () => {
  const whole = BigInt64Array.from({ length: 4_000 }, (_, i) => BigInt(i));
  const rows = { kind: 'rows' as const, group: ['a'], timesNs: whole.subarray(0, 2_000), columns: [{ type: 'integer' as const, values: whole.subarray(2_000) }] }; // prettier-ignore
  const packer = new BlockPacker();
  packer.add(rows);
  const packed = packer.take();
  expect(packed.buffers).toHaveLength(1);
  const [arrived] = unpackBlocks(structuredClone(packed, { transfer: [...packed.buffers] }));
  expect(arrived).toMatchObject({ kind: 'rows', group: ['a'] });
  if (arrived?.kind !== 'rows') return;
  expect([arrived.timesNs[0], arrived.columns[0]?.values]).toEqual([0n, BigInt64Array.from({ length: 2_000 }, (_, i) => BigInt(i + 2_000))]); // prettier-ignore
});

test('block batches: the last one says so, and a pause sends nothing unless the time is up', () => {
  const one = { kind: 'rows' as const, group: [], timesNs: BigInt64Array.of(1n), columns: [] };
  const batches = [...batchBlocks([one, undefined, one], () => false)];
  expect(batches.map(({ isLast, packer }) => [isLast, packer?.take().groups.length])).toEqual([
    [true, 1],
  ]);
  const due = [...batchBlocks([undefined, one], () => true)];
  expect(due.map(({ isLast, packer }) => [isLast, packer === undefined])).toEqual([[false, true], [false, false]]); // prettier-ignore
});
