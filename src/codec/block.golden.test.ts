import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { FieldType } from '../models/field-value.ts';
import { parseLines } from '../models/line-protocol.ts';
import { decodeBlock, encodeBlock, type Block } from './block.ts';

/**
 * Blocks of the TSM files that influxd 1.6.7 wrote of influxd-1.6.7.lp, one a line: key, block in hexadecimal. Recorded
 * after a flush; the points at the edges of time came to three files of one block each.
 */
const recorded = readText('influxd-1.6.7.blocks.txt')
  .trim()
  .split('\n')
  .map((line) => {
    const [key = '', hex = ''] = line.split(' ');
    return { key, bytes: new Uint8Array(Buffer.from(hex, 'hex')) };
  });
const { points } = parseLines(new TextEncoder().encode(readText('influxd-1.6.7.lp')), {
  stepNs: 1n,
  defaultTimeNs: 0n,
});

function readText(name: string): string {
  return readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');
}

/** `time value` of each point of a key, as it was written. */
function writtenValues(key: string): readonly string[] {
  const [measurement, name] = key.split('#!~#');
  return points.flatMap((point) => {
    const field = point.fields.get(name ?? '');
    if (point.measurement !== measurement || field === undefined) return [];
    return [`${point.timeNs} ${textOf(field.value)}`];
  });
}

function textOf(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value);
}

function blockValues({ type, timesNs, values }: Block): readonly string[] {
  return Array.from(timesNs, (timeNs, i) => {
    if ('offsets' in values) {
      const text = values.bytes.subarray(values.offsets[i], values.offsets[i + 1]);
      return `${timeNs} ${new TextDecoder().decode(text)}`;
    }
    return `${timeNs} ${type === FieldType.boolean ? values[i] === 1 : textOf(values[i])}`;
  });
}

const keys = [...new Set(recorded.map(({ key }) => key))];

test.each(keys)('blocks: %s of influxd decodes to what was written', (key) => {
  const blocks = recorded.filter((one) => one.key === key);
  const values = blocks.flatMap(({ bytes }) => blockValues(decodeBlock(bytes)));
  const inTime = (all: readonly string[]) => [...all].sort();
  expect(inTime(values)).toEqual(inTime(writtenValues(key)));
});

test.each(keys.filter((key) => !key.endsWith('#s')))(
  'blocks: %s encodes to the bytes of influxd, or to fewer that are read as the same',
  (key) => {
    for (const { bytes } of recorded.filter((one) => one.key === key)) {
      const block = decodeBlock(bytes);
      const own = encodeBlock(block);
      if (block.type !== FieldType.float)
        expect(Buffer.from(own).toString('hex')).toBe(Buffer.from(bytes).toString('hex'));
      expect(decodeBlock(own)).toEqual(block);
      expect(own.length).toBeLessThanOrEqual(bytes.length);
    }
  },
);
