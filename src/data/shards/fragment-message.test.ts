import { expect, test } from 'vitest';
import { fragmentVersion, type Fragment, type RowsBlock } from '../../query/fragment.ts';
import { BlockPacker } from '../engine/packed-blocks.ts';
import { encodeSentBlocks } from '../engine/sent-blocks.ts';
import { fittingRun, fragmentMethod, type FragmentReply } from './fragment-message.ts';

const rows: RowsBlock = {
  kind: 'rows',
  group: ['a'],
  timesNs: BigInt64Array.of(1n, 2n),
  columns: [{ type: 'float', values: Float64Array.of(0.5, -0) }],
};

test('fragment message: a reply says whether it is the last, and blocks of an earlier release are read', () => {
  const { reply } = fragmentMethod;
  const through = (one: FragmentReply) => reply.decode(reply.encode(one));
  const packer = new BlockPacker({ isCopied: true });
  packer.add(rows);
  const packed = encodeSentBlocks(packer);
  for (const isLast of [true, false]) {
    expect(through({ packed, isLast })).toEqual({ blocks: [rows], isLast });
    expect(through({ blocks: [rows], isLast })).toEqual({ blocks: [rows], isLast });
  }
});

function fragmentOf(measurement: string, shardIds: readonly number[]): Fragment {
  const task = { kind: 'rows', columns: [], rowsMax: 0 } as const;
  const times = { minTimeNs: 0n, maxTimeNs: 1n, ascending: true };
  return { version: fragmentVersion, measurement, shardIds, groupBy: [], task, ...times };
}

test('fragment message: one that is asked again is the same object, one of other shards or longer is not', () => {
  const { request } = fragmentMethod;
  const read = (fragment: Fragment) => request.decode(request.encode({ fragment })).fragment;
  const first = fragmentOf('m', [3, 4]);
  const known = read(first);
  expect(known).toEqual(first);
  expect(read(first)).toBe(known);
  expect(read(fragmentOf('m', [3, 4]))).toBe(known);
  expect(read(fragmentOf('m', [34]))).toEqual(fragmentOf('m', [34]));
  const long = fragmentOf('x'.repeat(5_000), [3]);
  expect(read(long)).toEqual(long);
  expect(read(long)).not.toBe(read(long));
  for (let i = 0; i < 512; i++) read(fragmentOf(`m${i}`, [3]));
  expect(read(first)).not.toBe(known);
});

test('fragment message: those that follow are there again, and where each of them ends', () => {
  const { request, reply } = fragmentMethod;
  const [fragment, ...others] = ['a', 'b', 'c', 'd'].map((name) => fragmentOf(name, [3, 4]));
  const following = others.map((one, i) => (i === 1 ? { ...one, maxTimeNs: 7n } : one));
  const asked = request.decode(request.encode({ fragment: fragment ?? fragmentOf('a', []), following })); // prettier-ignore
  expect([asked.fragment, ...(asked.following ?? [])]).toEqual([fragment, ...following]);
  const ends = [0, 0, 1, 300];
  for (const isLast of [true, false]) {
    const through = reply.decode(reply.encode({ blocks: [rows], ends, isLast }));
    expect(through).toEqual({ blocks: [rows], ends, isLast });
    expect(reply.decode(reply.encode({ blocks: [], ends, isLast }))).toMatchObject({ ends, isLast }); // prettier-ignore
  }
});

test('fragment message: a run is cut where its plans are too long for one request', () => {
  const alike = Array.from({ length: 64 }, (_, i) => fragmentOf(`m${i}`, [3]));
  expect(fittingRun(alike)).toHaveLength(64);
  const long = (i: number) => ({ ...fragmentOf(`m${i}`, [3]), groupBy: ['x'.repeat(60_000), `${i}`] }); // prettier-ignore
  const cut = fittingRun(Array.from({ length: 64 }, (_, i) => long(i)));
  expect(cut.length).toBeGreaterThan(4);
  expect(cut.length).toBeLessThan(20);
  const longer = { ...fragmentOf('m', [3]), groupBy: Array.from({ length: 30 }, () => 'x'.repeat(60_000)) }; // prettier-ignore
  expect(fittingRun([longer, longer])).toHaveLength(1);
});
