import { expect, test } from 'vitest';
import { compiledKernels } from '../../../kernels/module/kernel-module.ts';
import { StoreKernel } from '../../../kernels/store-kernel.ts';
import { parseLines } from '../../../models/line-protocol.ts';
import { decodePointBatch, type PointBatch } from '../../../models/point-batch.ts';
import { PointBatchBuilder } from '../../../models/point-batch-builder.ts';
import { seriesKey } from '../../../models/series-key.ts';
import { Shard } from '../shard.ts';
import { usualChecks, type RowChecks } from './row-checks.ts';
import { textBytesMax } from './text-length.ts';

const kernel = StoreKernel.create(compiledKernels(), { bytesMax: 1 << 26 });

/** Keys as they are in a batch, a character a byte, so that they may be no UTF-8. */
function batchOf(keys: readonly string[]): PointBatch {
  const builder = new PointBatchBuilder();
  const lines = keys.map((_, i) => `m,t=${i} v=1 ${i}`);
  const { points } = parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 1n });
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  const offsets = Uint32Array.of(0, ...keys.map((_, i) => keys.slice(0, i + 1).join('').length));
  const series = { offsets, bytes: Uint8Array.from(Buffer.from(keys.join(''), 'latin1')) };
  return { ...decodePointBatch(builder.finish()), series };
}

function said(checks: Partial<RowChecks>, ...keys: readonly string[]): string {
  const shard = new Shard(1, kernel, { checks: { ...usualChecks, ...checks } });
  const { droppedCount, reason } = shard.decide(batchOf(keys));
  return `${droppedCount} ${reason}`;
}

const utf8 = (text: string): string => Buffer.from(text).toString('latin1');
const refused = (count: number, key: string): string => `${count} key contains invalid unicode: "${key}"`; // prettier-ignore

/** What a real 1.12.4 with `validate-keys` says of the last keys. */
// prettier-ignore
test.each([
  ['bytes that are no UTF-8, one mark for all of them', refused(1, 'm,t=a?b'), ['m,t=a\xff\xfeb']],
  ['a line separator in a measurement, behind good rows', refused(1, 'm?,t=b'), ['m,t=a', utf8('m\u2028,t=b')]],
  ['the mark for what could not be read', refused(1, 'm,t=?x'), [utf8('m,t=\ufffdx')]],
  ['the marks that parsing makes of such bytes', refused(1, 'm,t=a?b'), [utf8('m,t=a\ufffd\ufffdb')]],
  ['three odd ones behind each other', refused(1, 'm,t=???x'), [`m,t=\xff${utf8('\ufffd')}\x01x`]],
  ['more than three of them', refused(1, 'm,t=???x'), ['m,t=\x01\x02\x03\x04\x05x']],
  ['a space that is not the usual one', refused(1, 'm,t=?é,日本=語'), [utf8('m,t=\u00a0é,日本=語')]],
  ['a tab', refused(1, 'm,t=x?y'), ['m,t=x\ty']],
  ['two rows, and the key of the first', refused(2, 'm,t=?'), ['m,t=\x01', 'm,t=ok', 'm,t=\x02\x02']],
  ['quotes and backslashes of the key, which are quoted once more', refused(1, String.raw`m,t=\"a\\ b?`), ['m,t="a\\ b\x01']],
  ['letters of any script, symbols and escaped spaces', '0 ', [utf8('wärme,日本=語,t=x\\ y\\,z,€=🙂'), 'm,t=~!@#']],
])('validate-keys: %s', (_, expected, keys) => {
  expect(said({ validatesKeys: true }, ...keys)).toBe(expected);
  expect(said({}, ...keys)).toBe('0 ');
});

test('validate-keys: a limit of series is told before a key, and no row is counted twice', () => {
  const shard = new Shard(1, kernel, { checks: { ...usualChecks, validatesKeys: true } });
  const count = (): number => 1;
  const series = { most: count, count, unknown: () => Uint8Array.of(1, 1, 1) };
  const values = { isAnyFull: () => false, count: () => 0, has: () => true };
  const limits = { seriesMax: 1, valuesPerTagMax: 0 };
  const verdict = shard.decide(batchOf(['m,t=\x01', 'm,t=a', 'm,t=b']), { limits, database: 'd', series, values }); // prettier-ignore
  expect(verdict.droppedCount).toBe(3);
  expect(verdict.reason).toMatch(/^max-series-per-database exceeded/);
});

test('a text of a mebibyte is taken, beside one that is longer', () => {
  const builder = new PointBatchBuilder();
  for (const more of [0, 1]) {
    const fields = new Map([['s', { type: 'string', value: 'x'.repeat(textBytesMax + more) } as const]]); // prettier-ignore
    builder.add('m', { measurement: 'm', tags: [], fields, timeNs: BigInt(more) });
  }
  const { droppedCount, rejects } = new Shard(1, kernel).decide(decodePointBatch(builder.finish()));
  expect([droppedCount, ...rejects]).toEqual([1, 0b10]);
});

test('skip-field-size-validation: a text longer than a mebibyte is taken, and decides the type of its field', () => {
  const text = 'x'.repeat(textBytesMax + 1);
  const lines = [`m s="${text}" 1`, 'm s=1 2'];
  const decided = (takesLongTexts: boolean) => {
    const builder = new PointBatchBuilder();
    const { points } = parseLines(Buffer.from(lines.join('\n')), { stepNs: 1n, defaultTimeNs: 1n });
    for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
    const shard = new Shard(1, kernel, { checks: { ...usualChecks, takesLongTexts } });
    return shard.decide(decodePointBatch(builder.finish()));
  };
  expect(decided(false)).toMatchObject({
    droppedCount: 1,
    reason: expect.stringContaining('is too long') as string,
  });
  expect(decided(true).reason).toBe('field type conflict: input field "s" on measurement "m" is type float, already exists as type string'); // prettier-ignore
});
