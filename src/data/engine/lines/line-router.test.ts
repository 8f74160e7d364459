import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineKernel } from '../../../kernels/line-kernel.ts';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { LineRouter } from './line-router.ts';
import { pointsOf } from '../../../../test/support/points-of.ts';
import { routeLines, type LinesTask } from './route-lines.ts';

const router = new LineRouter(LineKernel.create(compiledKernels()));
const allTime = { startNs: -(2n ** 63n), endNs: 2n ** 63n };

function taskOf(text: string, shardIds: readonly number[] = [1]): LinesTask {
  return {
    body: new TextEncoder().encode(text),
    stepNs: 1n,
    defaultTimeNs: 77n,
    bounds: {},
    groups: [{ ...allTime, shardIds }],
  };
}

function expectSame(text: string, shardIds?: readonly number[]): void {
  const fast = router.route(taskOf(text, shardIds));
  expect(pointsOf(fast)).toEqual(pointsOf(routeLines(taskOf(text, shardIds))));
}

test.each([
  'm f=1 1',
  'm f=1',
  'm,a=b f=1i,g=t,h="x" 5\nm,a=b f=2i,g=F,h="y" 6',
  'm,b=2,a=1 f=1 1\nm,a=1,b=2 f=2 2',
  '# comment\n\nm f=1 1\n\n#\nm f=2 2\n',
  'm\\ x\\,y,t\\=k=v\\ w f\\ 1=1 1',
  'm s="a\\"b\\\\c\\d,e f=g\nh" 3',
  'm a=true,b=True,c=TRUE,d=t,e=T,f=false,g=False,h=FALSE,i=f,j=F 1',
  'm f=-0,g=0.1,h=123456789012345,i=1234567890123456,j=-0.000001,k=3.14159265358979323846 1',
  'm f=1i -9223372036854775806\nm f=1i 9223372036854775806',
  'm f=999999999999999999i,g=-999999999999999999i 1',
  'm f=9223372036854775807i,g=-9223372036854775808i 1',
  'm f=1 1\nm g=1 1\nm f=1,g=2 2\nm g=2,f=1 3\nm f=1i 4',
  'm f=1,f=2 1',
  'm time=1,f=2 1',
  'm,time=x f=2 1',
  'm f=1e3,g=1.,h=.5,i=+1 1',
  'm f=tru 1',
  'm f=truex 1',
  'bad\nm f=1 1',
  'm f=1 1 2',
  'm f=1 x',
  'm  f=1 1',
  ' m f=1 1',
  'm f=1 1 ',
  'm f=1u 1',
  'm f=1 92233720368547758070',
  'm,a= f=1',
  'm,=a f=1',
  'm,a=1,a=2 f=1',
  ',a=b f=1',
  'm f="open',
  'm f=1,',
  'm =1',
  'm f=1 1\r\nm f=2 2\r\n',
  'Zürich,city=北京 temperatür=1.5,s="é" 1',
  '',
  `k3 ${'f'.repeat(70_000)}=1 1`,
  `k3 ${'f'.repeat(65_529)}=1 1\nk3 ${'f'.repeat(65_530)}=1 1`,
  `k,t=${'x'.repeat(65_500)} v=1,${'é'.repeat(14)}=1 1\nk,t=${'x'.repeat(65_500)} v=1 2`,
])('line router: %j goes the same way as in the slow twin', (text) => {
  expectSame(text);
  expectSame(text, [3, 4, 5]);
  expectSame(`${text}\n`, [2]);
});

test('line router: any mix of tokens gives the points and errors of the slow twin', () => {
  const token = fc.constantFrom('m', 'n', ',', '=', ' ', ' ', '\n', '"', '\\', 'f=1', 'g="x"', ',a=b', '-', '.', '1', '12i', 't', 'e5', '#', 'f=t', ' 5\n', 'm f=1 '); // prettier-ignore
  fc.assert(
    fc.property(fc.array(token, { maxLength: 14 }), (tokens) => {
      expectSame(tokens.join(''));
    }),
    { numRuns: 4_000, seed: 7 },
  );
});

test('line router: floats are those of the twin, digit for digit', () => {
  fc.assert(
    fc.property(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: 0, max: 20 }),
      (value, digits) => {
        // prettier-ignore
        expectSame(`m f=${value.toFixed(digits)} 1`);
      },
    ),
    { numRuns: 3_000, seed: 8 },
  );
});

test('line router: points of several groups go to the shards of each, as in the slow twin', () => {
  const groups = [
    { startNs: 0n, endNs: 10n, shardIds: [1, 4] },
    { startNs: 10n, endNs: 20n, shardIds: [2] },
    { startNs: 30n, endNs: 40n, shardIds: [3, 5, 6] },
  ];
  const line = fc
    .tuple(
      fc.constantFrom('m', 'n,t=a', 'n,t=b', 'n,u=1,t=b'),
      fc.constantFrom('f=1', 'g=2i', 'f=1,h="x"'),
      fc.integer({ min: 0, max: 50 }),
    ) // prettier-ignore
    .map(([key, fields, time]) => `${key} ${fields} ${time}`);
  fc.assert(
    fc.property(fc.array(line, { maxLength: 12 }), (lines) => {
      const task = () => ({ ...taskOf(lines.join('\n')), groups });
      const [fast, slow] = [router.route(task()), routeLines(task())];
      // Which times are reported first as having no group is up to the way.
      if (slow.unroutedNs.length > 0) expect(fast.unroutedNs.length).toBeGreaterThan(0);
      else expect(pointsOf(fast)).toEqual(pointsOf(slow));
    }),
    { numRuns: 1_000, seed: 9 },
  );
});

test('line router: points beyond the policy go the slow way', () => {
  const week = { startNs: 0n, endNs: 10n, shardIds: [1] };
  const next = { startNs: 10n, endNs: 20n, shardIds: [2] };
  const text = 'm f=1 5\nm f=2 15\nm f=3 25';
  const task = { ...taskOf(text), groups: [week, next], bounds: { retentionMinNs: 6n } };
  const again = { ...taskOf(text), groups: [week, next], bounds: { retentionMinNs: 6n } };
  expect(pointsOf(router.route(task))).toEqual(pointsOf(routeLines(again)));
});

test('line router: of points within and without the only group none goes to a shard that is not its own', () => {
  const groups = [{ startNs: 0n, endNs: 100n, shardIds: [1] }];
  expect(router.route({ ...taskOf('m f=1 5\nm f=2 150'), groups }).unroutedNs).toEqual([150n]);
});

test('line router: what is unusual in one body slows no other one', () => {
  const fresh = new LineRouter(LineKernel.create(compiledKernels()));
  for (const text of ['m,time=x f=1 1', 'm time=1,g=2 1', 'm,a=1,a=2 f=1 1', 'm f=1 1'])
    expect(pointsOf(fresh.route(taskOf(text)))).toEqual(pointsOf(routeLines(taskOf(text))));
  const { payload } = fresh.route(taskOf('m f=1 1\nm g="x" 2')).batches[0] ?? {};
  // The fast way groups lines by shape as they come; the slow one keeps its lists per point.
  expect(payload).toBeDefined();
});

test('line router: ids that the kernel gives anew after it had to forget mean what they mean now', () => {
  const fresh = new LineRouter(LineKernel.create(compiledKernels()));
  const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, i) => `${prefix}${i},t=${i} f=${i} ${i}`).join('\n'); // prettier-ignore
  fresh.route(taskOf(keys('a', 10)));
  // More sets of fields than the kernel keeps.
  fresh.route(taskOf(Array.from({ length: 5_000 }, (_, i) => `w,t=${i} f${i}=1 1`).join('\n')));
  for (const prefix of ['b', 'c'])
    expect(pointsOf(fresh.route(taskOf(keys(prefix, 30))))).toEqual(
      pointsOf(routeLines(taskOf(keys(prefix, 30)))),
    );
});

test('line router: names of a batch that are kept are not those of ids that mean others since', () => {
  const kernel = LineKernel.create(compiledKernels());
  const fresh = new LineRouter(kernel);
  const body = (name: string) => Array.from({ length: 30 }, (_, i) => `${name}_${i} ${name}=${i} ${i}`).join('\n'); // prettier-ignore
  for (const name of ['a', 'b', 'c']) {
    expect(pointsOf(fresh.route(taskOf(body(name))))).toEqual(
      pointsOf(routeLines(taskOf(body(name)))),
    );
    kernel.forget();
  }
});

const digitsMax = 22;
/** Neighbours of the digits among the bytes, and what may end a number or hide its end. */
const behindNumbers = [
  '',
  'i',
  '/',
  ':',
  ';',
  '\u0080',
  'u',
  '.',
  '.5',
  'e1',
  '-',
  '.12345678',
  '.1234567',
];

test('line router: numbers of any count of digits are those of the twin, whatever comes behind them', () => {
  for (let count = 0; count <= digitsMax; count++)
    for (const sign of ['', '-'])
      for (const digit of ['0', '1', '9'])
        for (const behind of behindNumbers) {
          const number = `${sign}${digit.repeat(count)}${behind}`;
          // The second line is read by what the first one has.
          for (const before of ['1', '1i', 't'])
            expectSame(`m f=${before},g=1i 1\nm f=${number},g=2i 2\nm f=${number} 3`);
          expectSame(`m f=1 1\nm f=1 ${number}\nm f=1 ${number}\nm f=1 ${number}1\nm f=1`);
        }
});

test('line router: names and keys that differ in one byte are told apart, of any length', () => {
  for (let length = 1; length <= 40; length++)
    for (let place = 0; place < length; place++) {
      const name = 'n'.repeat(length);
      const other = `${name.slice(0, place)}x${name.slice(place + 1)}`;
      const lines = [name, name, other, other, name].flatMap((one) => [`m,${one}=v ${one}=1 1`, `m,${one}=v ${name}=2,${one}f=3i 2`]); // prettier-ignore
      expectSame(lines.join('\n'));
    }
});

test('line router: a time that was read is not that of the next body', () => {
  const bodies = ['m f=1 123456789\nm f=2 123456789', 'm f=3 12345678\nm f=4 123456789\nm f=5 1234567890', 'm f=6\nm f=7 123456789']; // prettier-ignore
  for (const stepNs of [1n, 1_000n])
    for (const text of bodies) {
      const task = { ...taskOf(text), stepNs };
      expect(pointsOf(router.route(task))).toEqual(pointsOf(routeLines(task)));
    }
});

test('line router: bodies of many measurements, with fields of every type, go the same way as in the slow twin', () => {
  const values = ['1.5', '7i', '9u', 't', 'false', '"x"', '"with \\\\ and \\" in it"', '""'];
  const line = fc.record({
    measurement: fc.integer({ min: 0, max: 60 }),
    fields: fc.uniqueArray(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 4 }),
    value: fc.array(fc.constantFrom(...values), { minLength: 4, maxLength: 4 }),
    time: fc.integer({ min: 0, max: 9 }),
  });
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 120 }), (lines) => {
      const texts = lines.map(({ measurement, fields, value, time }) => {
        const pairs = fields.map((field, i) => `f${field}=${value[i]}`).join();
        return `metric_${measurement},host=a ${pairs} ${time}`;
      });
      expectSame(texts.join('\n'));
      expectSame(texts.join('\n'), [3, 4, 5]);
      // Names of batches that came lately are kept: the same once more, and others of as many measurements in their place.
      expectSame(texts.join('\n'));
      expectSame(texts.join('\n').replaceAll('metric_1', 'metric_8').replaceAll(' f', ' g'));
    }),
    { numRuns: 200, seed: 8 },
  );
});
