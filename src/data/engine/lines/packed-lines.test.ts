import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LinesPacker, LinesUnpacker, packRouted, unpackRouted, type EngineLines } from './packed-lines.ts'; // prettier-ignore

const bigint = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
const maybe = fc.option(bigint, { nil: undefined });
const shardIds = fc.array(fc.nat(), { maxLength: 4 });
const groups = fc.array(fc.record({ startNs: bigint, endNs: bigint, shardIds }), { maxLength: 3 });
const place = fc.record({ database: fc.string(), retentionPolicy: fc.string(), shardIds });
const facts = fc.record({
  stepNs: bigint,
  defaultTimeNs: bigint,
  clusterId: bigint,
  bounds: fc.record({ retentionMinNs: maybe, windowMinNs: maybe, windowMaxNs: maybe }),
  groups: fc.nat(2),
  own: fc.option(place, { nil: undefined }),
  stamp: fc.bigInt({ min: 0n, max: 2n ** 128n }),
  hasRoom: fc.boolean(),
});

test('packed lines: tasks one after the other say the same on the other side', () => {
  fc.assert(
    fc.property(fc.tuple(groups, groups, groups), fc.array(facts), (allGroups, all) => {
      const [packer, unpacker] = [new LinesPacker(), new LinesUnpacker()];
      for (const { groups: at, own, stamp, hasRoom, ...rest } of all) {
        const task: EngineLines = {
          ...rest,
          body: Uint8Array.of(1, 2, 3),
          groups: allGroups[at] ?? [],
          room: hasRoom ? new Uint8Array(8) : undefined,
          ...(own !== undefined && { own: { ...own, stamp } }),
        };
        expect(unpacker.unpack(structuredClone(packer.pack(task)))).toEqual(task);
      }
    }),
    { seed: 1 },
  );
});

test('packed lines: what is the same for all bodies of a policy is read once', () => {
  const [packer, unpacker] = [new LinesPacker(), new LinesUnpacker()];
  const task = { body: new Uint8Array(1), stepNs: 1n, defaultTimeNs: 5n, bounds: {}, clusterId: 1n };
  const all = Array.from({ length: 100 }, (_, i) => [{ startNs: 0n, endNs: BigInt(i), shardIds: [i] }]);
  const first = unpacker.unpack(packer.pack({ ...task, groups: all[0] ?? [] }));
  const again = unpacker.unpack(packer.pack({ ...task, groups: [...(all[0] ?? [])] }));
  expect(again.groups).toBe(first.groups);
  // Many policies are forgotten, and read again.
  for (const groups of all) expect(unpacker.unpack(packer.pack({ ...task, groups })).groups).toEqual(groups);
  expect(unpacker.unpack(packer.pack({ ...task, groups: all[0] ?? [] })).groups).toEqual(all[0]);
}); // prettier-ignore

test('packed lines: long texts of thousands of shards are not all kept', () => {
  const [packer, unpacker] = [new LinesPacker(), new LinesUnpacker()];
  const task = { body: new Uint8Array(1), stepNs: 1n, defaultTimeNs: 5n, bounds: {}, clusterId: 1n };
  const ofMany = (count: number) =>
    packer.pack({ ...task, groups: Array.from({ length: count }, (_, i) => ({ startNs: BigInt(i), endNs: BigInt(i + 1), shardIds: [i] })) });
  const first = ofMany(10_000);
  const { groups } = unpacker.unpack(first);
  expect(unpacker.unpack(first).groups).toBe(groups);
  for (let count = 10_001; count < 10_006; count++) unpacker.unpack(ofMany(count));
  const again = unpacker.unpack(first);
  expect(again.groups).not.toBe(groups);
  expect(again.groups).toEqual(groups);
}); // prettier-ignore

const written = [
  { shardId: 7, pointCount: 2, droppedCount: 0, reason: '' },
  { shardId: 9, pointCount: 1, droppedCount: 0, reason: '' },
];
const plain = { pointCount: 3, valueCount: 5, batches: [], written, errors: '', unroutedNs: [], schemaVersion: 4, seriesVersion: 6 }; // prettier-ignore

test('packed lines: what is all written is told in numbers', () => {
  const packed = packRouted(plain);
  expect(packed).toEqual([4, 6, 3, 5, 7, 2, 9, 1]);
  expect(unpackRouted(packed)).toEqual(plain);
});

test.each([
  { batches: [{ shardId: 1, payload: new Uint8Array(1) }] },
  { errors: 'unable to parse' },
  { unroutedNs: [1n] },
  { written: undefined },
  { refused: { count: 1, reason: 'a' } },
  { written: [{ shardId: 1, pointCount: 1, droppedCount: 1, reason: 'a' }] },
])('packed lines: what has more to tell goes as it is: %o', (other) => {
  const routed = { ...plain, ...other };
  expect(unpackRouted(packRouted(routed))).toBe(routed);
});
