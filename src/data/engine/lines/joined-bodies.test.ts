import fc from 'fast-check';
import { expect, test } from 'vitest';
import { rowsOf } from '../../../../test/support/points-of.ts';
import { SharedBuffers } from '../../../base/shared-buffers.ts';
import { joinedEntryWords, LineKernel } from '../../../kernels/line-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { makeStamp, stampOfBatch } from '../../../models/stamp.ts';
import { JoinedBodies, type JoinedTask } from './joined-bodies.ts';
import { bodiesWithPoints, writeJoined } from './write-joined.ts';
import { LineRouter } from './line-router.ts';
import { routeLines, type RouteGroup } from './route-lines.ts';

const router = new LineRouter(LineKernel.create(compiledKernels()));
const encoder = new TextEncoder();
const firstNs = 1_000_000_000n;
const allTime = { startNs: -(2n ** 63n), endNs: 2n ** 63n, shardIds: [4] };

interface Options {
  readonly stepNs?: bigint;
  readonly groups?: readonly RouteGroup[];
  readonly bounds?: JoinedTask['bounds'];
}

/** Body number i came i times `stepNs` and i ns behind the first. */
const timeOf = (index: number): bigint => firstNs + BigInt(index) * 5_000_000_001n;

function joined(texts: readonly string[], roomBytes = 16) {
  const buffers = new SharedBuffers(1 << 20);
  const bodies = new JoinedBodies(buffers, firstNs, roomBytes);
  texts.forEach((text, i) => {
    bodies.add(encoder.encode(text), timeOf(i));
  });
  return { bodies, buffers, ...bodies.finish() };
}

function routed(texts: readonly string[], options: Options = {}) {
  const { bytes: text, table } = joined(texts);
  const { stepNs = 1n, groups = [allTime], bounds = {} } = options;
  const task = { text, table, stepNs, groups, bounds, defaultTimeNs: firstNs };
  const done = router.routeJoined(task, () => undefined);
  if (done === undefined) return undefined;
  const counts = texts.map((_, i) => {
    const at = i * joinedEntryWords;
    return [table[at + 1], table[at + 2]];
  });
  return { rows: done.batch === undefined ? [] : rowsOf(done.batch.payload), counts, table };
}

/** Each by itself, by the twin; undefined where one is not to be written with others. */
function alone(texts: readonly string[], { stepNs = 1n }: Options = {}) {
  const rows: string[] = [];
  const counts: number[][] = [];
  for (const [i, text] of texts.entries()) {
    const body = encoder.encode(text);
    const one = routeLines({ body, stepNs, defaultTimeNs: timeOf(i), bounds: {}, groups: [allTime] }); // prettier-ignore
    if (one.errors !== '' || one.dropped !== undefined || one.refused !== undefined) return undefined; // prettier-ignore
    for (const { payload } of one.batches) rows.push(...rowsOf(payload));
    counts.push([one.pointCount, one.valueCount]);
  }
  return { rows, counts };
}

test.each([
  [['m,a=1 f=1,g=2 5', 'm,a=2 f=1 5', 'm,a=1 f=2,g=3 5']],
  [['m f=1 1\nm f=2 2\n', '# nothing\n', '\n\n', 'm f=3']],
  [['m f=1', 'm f=2', 'n,b=2,a=1 s="x",t=T', 'm f=-0.5']],
  [['m f="two\nlines" 1', 'm f="a \\" b",g=1 2\r'.slice(0, -1)]],
])('joined bodies: %j are as each by itself, with its own time and counts', (texts) => {
  for (const stepNs of [1n, 1_000n, 1_000_000_000n]) {
    const { table: _, ...both } = routed(texts, { stepNs }) ?? { table: undefined };
    expect(both).toEqual(alone(texts, { stepNs }));
  }
});

test.each([
  ['a quote that is open', ['m f="a', 'm f=b" 1']],
  ['a key that goes on', ['m,a=b', ' f=1 1']],
  ['a backslash at the end', ['m,a=b\\', 'c f=1 1']],
  ['a line that is none', ['m f=1 1', 'bad', 'm f=2 2']],
  ['a name that is dropped', ['m f=1 1', 'm,time=x f=1 2']],
  ['a field that is stripped', ['m f=1 1', 'm time=1,f=1 2']],
])('joined bodies: %s has each go by itself', (_what, texts) => {
  expect(routed(texts)).toBeUndefined();
  expect(routed(['m f=1 1', 'm f=2 2'])?.rows).toHaveLength(2);
});

test('joined bodies: points of two shards, without a group, or beyond the policy have each go by itself', () => {
  const groups = [
    { startNs: 0n, endNs: 10n, shardIds: [4] },
    { startNs: 10n, endNs: 20n, shardIds: [6] },
  ];
  expect(routed(['m f=1 1', 'm f=1 2'], { groups })?.rows).toHaveLength(2);
  expect(routed(['m f=1 1', 'm f=1 11'], { groups })).toBeUndefined();
  expect(routed(['m f=1 1', 'm f=1 21'], { groups })).toBeUndefined();
  expect(routed(['m f=1 1', 'm f=1 5'], { bounds: { retentionMinNs: 3n } })).toBeUndefined();
});

test('joined bodies: whatever the bodies, they are as each by itself, or not taken', () => {
  const pieces = ['m', 'm,a=b', ',a=b', '\\', '"', '\n', ' ', 'f=1', 'f="x', 'f="x"', 'g=2i', ',', '=', ' 5', ' 123456789', '#', '\u0000', 'é']; // prettier-ignore
  const line = fc.oneof(
    fc.constantFrom('m f=1 1', 'm f=2', 'm,a=b f=1,g=2i 3', 'n f="x" 4\n', 'm,a=c f=1'),
    fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join('')),
  );
  let takenCount = 0;
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 6 }), (texts) => {
      const both = routed(texts);
      const each = alone(texts);
      // What is odd to the kernel may be right, and goes by itself.
      if (both === undefined) return;
      takenCount++;
      expect(each).toBeDefined();
      expect({ rows: both.rows, counts: both.counts }).toEqual(each);
    }),
    { numRuns: 3_000, seed: 1 },
  );
  expect(takenCount).toBeGreaterThan(300);
});

test('joined bodies: they grow beyond their room, are copied as they came, and give their room back', () => {
  const texts = Array.from({ length: 500 }, (_, i) => `m,i=${i} f=${i} ${i}`);
  const { bodies, buffers } = joined(texts);
  expect(bodies.map((body) => new TextDecoder().decode(body))).toEqual(texts);
  expect(routed(texts)?.rows).toHaveLength(500);
  const before = buffers.keptBytes;
  bodies.release();
  expect(buffers.keptBytes).toBeGreaterThan(before);
});

function written(texts: readonly string[], droppedCount: number, error?: Error) {
  const { bytes: text, table } = joined(texts);
  const buffers = new SharedBuffers(1 << 20);
  const places: unknown[] = [];
  const own = { database: 'd', retentionPolicy: 'p', shardIds: [4], stamp: makeStamp(9n, 1) };
  const task = { text, table, stepNs: 1n, bounds: {}, defaultTimeNs: firstNs, own };
  const write = (place: unknown, payload: Uint8Array) => {
    places.push([place, rowsOf(payload).length, stampOfBatch(payload) === own.stamp]);
    return error === undefined ? Promise.resolve({ droppedCount, reason: '' }) : Promise.reject(error); // prettier-ignore
  };
  const run = (shardIds: readonly number[], isHome = true) =>
    writeJoined(
      { ...task, groups: [{ ...allTime, shardIds }] },
      { router, buffers, isHome: () => isHome, write },
    );
  return { run, places, buffers, table };
}

test('joined bodies: they are written as one batch, whose memory is used again', async () => {
  const { run, places, buffers, table } = written(['m f=1 1', '#', 'm f=2 2\nm f=3 3'], 0);
  expect(await run([4])).toEqual({ shardId: 4, pointCount: 3 });
  const place = { shardId: 4, database: 'd', retentionPolicy: 'p' };
  expect(places).toEqual([[place, 3, true]]);
  expect(bodiesWithPoints(table)).toBe(2);
  expect(buffers.keptBytes).toBeGreaterThan(0);
  const none = written(['#', '\n'], 0);
  expect(await none.run([4])).toEqual({ shardId: 0, pointCount: 0 });
  expect(none.places).toEqual([]);
});

test('joined bodies: what belongs elsewhere, or would drop a point, is not written as one', async () => {
  const dropping = written(['m f=1 1'], 1);
  expect(await dropping.run([4])).toBeUndefined();
  const { run, places } = written(['m f=1 1'], 0);
  expect(await run([5])).toBeUndefined();
  expect(await run([4], false)).toBeUndefined();
  expect(places).toEqual([]);
});

test('joined bodies: a write that fails gives the memory of the batch back', async () => {
  const { run, buffers } = written(['m f=1 1'], 0, new Error('no disk'));
  await expect(run([4])).rejects.toThrow('no disk');
  expect(buffers.keptBytes).toBeGreaterThan(0);
});
