import { expect, test } from 'vitest';
import { MiB } from '../../../base/units.ts';
import { LineKernel } from '../../../kernels/line-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { LineRouter } from './line-router.ts';
import { decodePointBatch, seriesKeysOf } from '../../../models/point-batch.ts';
import { routeLines, type LinesTask, type RoutedLines } from './route-lines.ts';

const kernel = LineKernel.create(compiledKernels());
const router = new LineRouter(kernel);
const groups = [{ startNs: -(2n ** 63n), endNs: 2n ** 63n, shardIds: [1] }];

/** Keys and field sets take 160 MiB; a piece of a body the rest. */
const memoryBytesMax = 448 * MiB;

function taskOf(body: Uint8Array): LinesTask {
  return { body, stepNs: 1n, defaultTimeNs: 77n, bounds: {}, groups };
}

function filled(lengthBytes: number, pattern: string, head = '', tail = ''): Uint8Array {
  return Buffer.concat([Buffer.from(head), Buffer.alloc(lengthBytes, pattern), Buffer.from(tail)]);
}

test.each([
  ['newlines', filled(24 * MiB, '\n'), ''],
  ['spaces', filled(8 * MiB, ' '), ''],
  ['tabs and newlines', filled(8 * MiB, '\t\n'), ''],
  ['no names', filled(5 * MiB, 'm =\n'), "unable to parse 'm =': missing field key\n"],
  ['single letters', filled(5 * MiB, 'x\n'), "unable to parse 'x': missing fields\n"],
  ['a long number', filled(6 * MiB, '9', 'm f='), /': invalid float$/],
  ['a long integer', filled(6 * MiB, '9', 'm f=', 'i'), /unable to parse integer 9+$/],
  ['a long exponent', filled(6 * MiB, '9', 'm f=1e'), /': invalid float$/],
  ['a quote that stays open', filled(6 * MiB, 'a\n', 'm f="'), /': unbalanced quotes$/],
  ['backslashes', filled(6 * MiB, '\\'), /': missing fields$/],
  ['commas', filled(6 * MiB, ',', 'm '), /': invalid field format$/],
  ['tags without end', filled(5 * MiB, ',a=b', 'm', ' f=1'), /': duplicate tags$/],
  [
    'a key without end',
    filled(6 * MiB, 'k', '', ' f=1'),
    /: max key length exceeded: 6291456 > 65535$/,
  ],
  ['NULs', filled(6 * MiB, '\0', 'm f=1'), /': invalid number$/],
] as const)('line router: a body of %s is answered, and takes bounded memory', (_, body, error) => {
  const routed = router.route(taskOf(body));
  expect(routed).toMatchObject({ batches: [], pointCount: 0, unroutedNs: [] });
  if (typeof error === 'string') expect(routed.errors.slice(0, error.length)).toBe(error);
  else expect(routed.errors).toMatch(error);
  expect(routed.errors.length).toBeLessThan(MiB);
  expect(kernel.memoryBytes).toBeLessThan(memoryBytesMax);
});

/** Series and time of each row, batch by batch. */
function rowsOf(routed: RoutedLines): string[] {
  return routed.batches.flatMap(({ payload }) => {
    const batch = decodePointBatch(payload);
    const keys = seriesKeysOf(batch);
    const own: string[] = [];
    for (const shape of batch.shapes)
      shape.ordinals.forEach((ordinal, i) => {
        own[ordinal] = `${keys[shape.series[i] ?? 0]} ${shape.timesNs[i]}`;
      });
    return own;
  });
}

test('line router: a body in pieces has all points once, in order, and all errors of the twin', () => {
  const line = (i: number): string => {
    if (i % 977 === 0) return `bad ${i}`;
    if (i % 991 === 0) return `m,t=b f=1.,s="a\nb ${i}" ${i}`;
    if (i % 997 === 0) return `m,a=1,a=2 f=${i} ${i}`;
    return `m,t=${i % 7} f=${i}i,s="some text that makes it long ${i}" ${i}`;
  };
  const text = Array.from({ length: 110_000 }, (_, i) => line(i)).join('\n');
  expect(text.length).toBeGreaterThan(4 * MiB);
  const fast = router.route(taskOf(Buffer.from(text)));
  const slow = routeLines(taskOf(Buffer.from(text)));
  expect(fast.batches.length).toBeGreaterThan(1);
  expect(fast.errors).toBe(slow.errors);
  expect(fast.pointCount).toBe(slow.pointCount);
  expect(rowsOf(fast)).toEqual(rowsOf(slow));
});

test('line router: a text across the cut of a piece stays whole', () => {
  const text = `m f="${'a\n'.repeat(3 * MiB)}" 1\nm f="b" 2\n`;
  const routed = router.route(taskOf(Buffer.from(text)));
  expect(routed).toMatchObject({ pointCount: 2, errors: '' });
});

test('line router: a text longer than a piece, before more field sets than the kernel knows, ends', () => {
  const sets = Array.from({ length: 5_000 }, (_, i) => `m f${i}=1 1`);
  const text = [`m f="${'a\n'.repeat(3 * MiB)}" 1`, ...sets, 'm f="b" 2'].join('\n');
  const routed = router.route(taskOf(Buffer.from(text)));
  expect(routed).toMatchObject({ pointCount: sets.length + 2, errors: '' });
});
