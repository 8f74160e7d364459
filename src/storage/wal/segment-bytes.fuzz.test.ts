import fc from 'fast-check';
import { expect, test } from 'vitest';
import { World } from '../../../test/sim/world/world.ts';
import { SegmentBytes } from './segment-bytes.ts';

const fileBytes = 3_300_000;
const content = Uint8Array.from({ length: fileBytes }, (_, i) => (i * 2_654_435_761) >>> 24);

/** As records lie: mostly one behind the other, some large, now and then looked for elsewhere. */
const steps = fc.array(
  fc.record({
    lengthBytes: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 1, max: 120_000 }) },
      { weight: 1, arbitrary: fc.constantFrom(300_000, 1_100_000, 2_500_000) },
    ),
    jumpTo: fc.option(fc.nat(fileBytes + 10), { nil: undefined, freq: 12 }),
  }),
  { minLength: 30, maxLength: 60 },
);

test('segment bytes: whatever is asked for, in order or not, is what the file has', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (asked) => {
      const world = new World(1);
      const { disk } = world.addNode('a').env;
      const work = async (): Promise<void> => {
        await disk.replaceFile('segment', content);
        const file = await disk.open('segment', 'read');
        const bytes = new SegmentBytes(file);
        let offset = 0;
        for (const { lengthBytes, jumpTo } of asked) {
          offset = jumpTo ?? offset;
          if (offset >= fileBytes) offset = 0;
          const found = await bytes.at(offset, lengthBytes);
          expect(Buffer.compare(found, content.subarray(offset, offset + lengthBytes))).toBe(0);
          offset += lengthBytes;
        }
        await file.close();
      };
      await world.complete(work(), 10_000_000);
    }),
    { seed: 5, numRuns: 60 },
  );
});
