import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineRouter } from '../../src/data/engine/lines/line-router.ts';
import {
  routeLines,
  type LinesTask,
  type RoutedLines,
} from '../../src/data/engine/lines/route-lines.ts';
import { LineKernel } from '../../src/kernels/line-kernel.ts';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import { decodePointBatch, seriesKeysOf, type BatchColumn } from '../../src/models/point-batch.ts';

const router = new LineRouter(LineKernel.create(compiledKernels()));
const lines = readFileSync(new URL('../../src/codec/testdata/influxd-1.6.7.lp', import.meta.url), 'utf8').split('\n'); // prettier-ignore

function taskOf(body: Uint8Array): LinesTask {
  const groups = [{ startNs: -(2n ** 63n), endNs: 2n ** 63n, shardIds: [1, 2] }];
  return { body: body.slice(), stepNs: 1n, defaultTimeNs: 77n, bounds: {}, groups };
}

/** All that was routed as plain data: points in the order of their lines, values exact, errors. */
function contentOf(routed: RoutedLines): unknown {
  const batches = routed.batches.map(({ shardId, payload }) => {
    const batch = decodePointBatch(payload);
    const keys = seriesKeysOf(batch);
    const rows: string[] = [];
    for (const shape of batch.shapes) {
      shape.ordinals.forEach((ordinal, i) => {
        const fields = shape.fields.map(({ name, type }, f) => `${name}/${type}=${textAt(shape.columns[f], i)}`); // prettier-ignore
        rows[ordinal] = `${keys[shape.series[i] ?? 0]} ${fields.join()} ${shape.timesNs[i]}`; // prettier-ignore
      });
    }
    return { shardId, rows };
  });
  batches.sort((a, b) => a.shardId - b.shardId);
  return { ...routed, body: undefined, batches };
}

function textAt(column: BatchColumn | undefined, row: number): string {
  if (column === undefined) return 'none';
  if ('offsets' in column)
    return Buffer.from(column.bytes.subarray(column.offsets[row], column.offsets[row + 1])).toString('hex'); // prettier-ignore
  return Object.is(column[row], -0) ? '-0' : String(column[row]);
}

function expectSame(body: Uint8Array): void {
  const fast = contentOf(router.route(taskOf(body)));
  expect(fast, JSON.stringify(Buffer.from(body).toString('latin1'))).toEqual(
    contentOf(routeLines(taskOf(body))),
  );
}

/** Bodies for which a real server's answer is recorded: src/models/line-protocol.golden.test.ts holds the twin to it. */
const recorded = ['lines.jsonl', 'odd-lines.jsonl'].flatMap((name) =>
  readFileSync(new URL(`../../src/models/testdata/${name}`, import.meta.url), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => (JSON.parse(line) as { readonly line: string }).line),
);

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Real lines joined in one of the ways that clients do, then damaged in a few places. */
const damagedBody = fc
  .record({
    picks: fc.array(fc.nat(lines.length - 1), { minLength: 1, maxLength: 6 }),
    glue: fc.constantFrom('\n', '\r\n', '\n\n', '\n#x\n', ' \n'),
    end: fc.constantFrom('', '\n', '\r\n', ' '),
    edits: fc.array(
      fc.record({ at: fc.nat(10_000), byte: fc.integer({ min: 0, max: 255 }), kind: fc.constantFrom('set', 'cut', 'put') }), // prettier-ignore
      { maxLength: 3 },
    ),
  })
  .map(({ picks, glue, end, edits }) => {
    let body = [...encode(picks.map((i) => lines[i] ?? '').join(glue) + end)];
    for (const { at, byte, kind } of edits) {
      const index = at % (body.length + 1);
      const removed = kind === 'put' ? 0 : 1;
      const added = kind === 'cut' ? [] : [byte];
      body = [...body.slice(0, index), ...added, ...body.slice(index + removed)];
    }
    return Uint8Array.from(body);
  });

test('lines: real lines, joined and damaged in any way, mean the same to the kernel and its twin', () => {
  fc.assert(fc.property(damagedBody, expectSame), { numRuns: 3_000, seed: 21 });
});

/** Some begin as others do, or with what only looks like the end of another. */
const similarKeys = ['m', 'm,h=1', 'm,h=12', 'm,h=1\\ 2', 'm,h=1\\', 'm,h=12345678', 'm,h=123456789', 'm,a=1,h=1', 'm,h=1,a=1', 'm2', 'm,h=\xe4']; // prettier-ignore

test('lines: keys that follow each other as before, or otherwise, mean the same to the kernel and its twin', () => {
  const line = fc.tuple(fc.constantFrom(...similarKeys), fc.constantFrom(' f=1 1', '  f=1 1', ' f="a" 2', ',b=1 f=1', '', ' ')); // prettier-ignore
  // Each body comes twice: the second time each key is expected behind the one before.
  fc.assert(
    fc.property(fc.array(line, { minLength: 1, maxLength: 24 }), fc.boolean(), (parts, ends) => {
      const body = parts.map((part) => part.join('')).join('\n') + (ends ? '\n' : '');
      expectSame(encode(body));
      expectSame(encode(body));
    }),
    { numRuns: 1_000, seed: 22 },
  );
});

test('lines: what a real server has answered, its twin answers, and the kernel like it', () => {
  expect(recorded.length).toBeGreaterThan(1_000);
  for (const line of recorded) expectSame(encode(line));
});

test.each([
  'm f=NaN 1',
  'm f=nan,g=Inf,h=-inf 1',
  'm f=-0,g=-0.0,h=0e0 1',
  'm f=1e400,g=-1e400 1',
  'm f=4.9e-324,g=2.4e-324 1',
  'm f=9223372036854775807i,g=9223372036854775808i 1',
  'm f=-9223372036854775808i 1\nm f=-9223372036854775809i 1',
  'm f=18446744073709551615u 1',
  'm f=1 9223372036854775807\nm f=1 9223372036854775808',
  'm f=1 -9223372036854775808\nm f=1 -9223372036854775807',
  'm f=00001,g=1.0000000000000000000000001 0000000000000000000000001',
  `m f="${'x'.repeat(70_000)}" 1`,
  `${'m'.repeat(70_000)} f=1 1`,
  `m,${'t'.repeat(66_000)}=v f=1 1`,
  `m ${Array.from({ length: 2_000 }, (_, i) => `f${i}=${i}`).join()} 1`,
  `m,${Array.from({ length: 300 }, (_, i) => `t${i}=v`).join()} f=1 1`,
  'm f=1 1\0',
  '\ufeffm f=1 1',
  'm\tx f=1 1',
  '\0m f=1 1',
  ' \0\tm f=1 1',
  '\0',
  '\0#m f=1 1',
  'm\0,t\0=\0 f\0=1,g="\0" 1',
  'm \0f=1 \x001',
  'm \ufefff=1 1',
  'm,t=a \ufefff="\ufeff" 1',
  'm,time=a f=1 1',
  'm time=1,f=2 1',
  'm time=1 1',
  'm f=1,f=1i 1',
  `m f=${'9'.repeat(310)} 1`,
  `m f=-${'9'.repeat(400)}.5 1`,
  `m f=${'9'.repeat(308)} 1`,
  `m f=0.${'0'.repeat(400)}1 1`,
  '\tm f=1 1',
  'm f=1 1\t',
  'm f=1 1 \t',
  'm \tf=1 1',
  'm\\\\ f=1 1',
  'm,t=a\\\\ f=1 1',
  'm,t=a\\\\,u=b f=1 1',
  'm f\\\\=1 1',
  'm f="a\\\\" 1',
  'm,op==eq f=1',
  'm,t=a\\',
  'm f\\',
  'm f="\\',
  '#\\',
  '# "',
  `m,${'t'.repeat(65_520)}=v f=1 1`,
  `m,${'t'.repeat(65_524)}=v f=1 1`,
])('lines: an edge means the same to the kernel and its twin %#', (text) => {
  expectSame(encode(text));
  expectSame(encode(`${text}\r\n`));
  expectSame(encode(`m g=1 5\n${text}\nm g=2 6`));
});

test.each([
  'm f="a\xffb" 1',
  'm f="\xc3" 1',
  'm f="\xed\xa0\x80\xe2\x82" 1',
  'm f="\\\xff\\"" 1',
  'm,t=\xff f=1 1',
  'm\xff f=1 1',
  'm f\xff=1 1',
  'm f=\xff 1',
])('lines: bytes that are no UTF-8 mean the same to the kernel and its twin %#', (bytes) => {
  expectSame(Buffer.from(bytes, 'latin1'));
});

/** What may stand in a name unescaped: characters, halves of them, and bytes that begin none. */
const nameParts = ['a', 'b', '\xc3', '\xa9', '\xc3\xa9', '\xe4\xb8', '\xad', '\xed\xb2\x80', '\xef\xbf\xbd', '\xf0\x9f\x99\x82', '\xff', '\x80', '\\ ', '\\,']; // prettier-ignore
const nameOf = fc.array(fc.constantFrom(...nameParts), { minLength: 1, maxLength: 6 }).map((parts) => parts.join('')); // prettier-ignore

test('lines: names of any bytes are in the batch as they were written, by the kernel and by its twin', () => {
  const lineOf = fc.tuple(nameOf, nameOf, nameOf, nameOf).map(([name, key, value, field]) => [`${name},${key}=${value}`, field] as const); // prettier-ignore
  fc.assert(
    fc.property(fc.array(lineOf, { minLength: 1, maxLength: 8 }), (parts) => {
      const body = Buffer.from(parts.map(([key, field]) => `${key} ${field}=1 1\n`).join(''), 'latin1'); // prettier-ignore
      expectSame(body);
      for (const route of [router.route(taskOf(body)), routeLines(taskOf(body))]) {
        const bytes = route.batches.map(({ payload }) => Buffer.from(payload).toString('latin1')).join('\n'); // prettier-ignore
        for (const [key, field] of parts) {
          expect(bytes).toContain(key);
          expect(bytes).toContain(field.replaceAll(/\\([ ,])/g, '$1'));
        }
      }
    }),
    { numRuns: 1_000, seed: 23 },
  );
});
