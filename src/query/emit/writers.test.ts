import { expect, test } from 'vitest';
import { exactTextOf } from '../../base/exact-text.ts';
import { TimeZone } from '../../base/time-zone.ts';
import { piecesOf } from './answer-piece.ts';
import { CsvDocument, writeCsv, writeCsvError } from './csv-writer.ts';
import { indentJson } from './json-indent.ts';
import { writeJson } from './json-writer.ts';
import { PackDocument, writeMessagePack } from './msgpack-writer.ts';
import type { OutputSeries, RowSeries, StatementResult } from './result.ts';

const sample: StatementResult = {
  statementId: 0,
  series: [
    {
      kind: 'columns',
      name: 'cpu',
      tags: [['host', 'a,b']],
      columns: ['time', 'f', 'i', 's', 'b'],
      timesNs: BigInt64Array.of(1_000_000_000n, 1_500_000_000n),
      values: [
        { type: 'float', values: Float64Array.of(1.5, 1e-7) },
        {
          type: 'integer',
          values: BigInt64Array.of(9007199254740993n, 0n),
          valid: Uint8Array.of(1, 0),
        },
        {
          type: 'string',
          values: { offsets: Uint32Array.of(0, 1, 3), bytes: new TextEncoder().encode('xy"') },
        },
        { type: 'boolean', values: Uint8Array.of(1, 0) },
      ],
      start: 0,
      end: 2,
    },
  ],
};

test('json: columns become rows with exact int64, nulls and RFC3339 times', () => {
  expect(writeJson([sample], { epochUnitNs: undefined }).toString()).toBe(
    '{"results":[{"statement_id":0,"series":[{"name":"cpu","tags":{"host":"a,b"},' +
      '"columns":["time","f","i","s","b"],"values":[' +
      '["1970-01-01T00:00:01Z",1.5,9007199254740993,"x",true],' +
      '["1970-01-01T00:00:01.5Z",1e-7,null,"y\\"",false]]}]}]}\n',
  );
});

test('json: epoch divides and truncates; empty and failed statements keep only what they have', () => {
  const failed: StatementResult = { statementId: 1, series: [], error: 'database not found: x' };
  const text = writeJson([{ statementId: 0, series: [] }, failed], { epochUnitNs: 1n }).toString();
  expect(text).toBe(
    '{"results":[{"statement_id":0},{"statement_id":1,"error":"database not found: x"}]}\n',
  );
  const seconds = writeJson([sample], { epochUnitNs: 1_000_000_000n }).toString();
  expect(seconds).toContain('[[1,1.5,9007199254740993,"x",true],[1,1e-7,null');
});

test('json: a series without rows has no values key', () => {
  const users: StatementResult = {
    statementId: 0,
    series: [{ kind: 'rows', columns: ['user', 'admin'], rows: [] }],
  };
  expect(writeJson([users], { epochUnitNs: undefined }).toString()).toBe(
    '{"results":[{"statement_id":0,"series":[{"columns":["user","admin"]}]}]}\n',
  );
});

test('json: pretty indents by four spaces and leaves strings alone', () => {
  const compact = Buffer.from('{"a":[{"b":"x,{}:\\""},1],"c":[]}\n');
  const pretty = indentJson(compact).toString();
  expect(pretty).toBe(`${JSON.stringify(JSON.parse(compact.toString()), null, 4)}\n`);
});

test('csv: header, quoting, empty nulls, no exponents', () => {
  expect(writeCsv([sample], 1n).toString()).toBe(
    'name,tags,time,f,i,s,b\n' +
      'cpu,"host=a,b",1000000000,1.5,9007199254740993,x,true\n' +
      'cpu,"host=a,b",1500000000,0.0000001,,"y""",false\n',
  );
  expect(writeCsvError('a, b').toString()).toBe('error\n"a, b"\n');
});

test('csv, msgpack: RFC3339 times are on the clock of tz()', () => {
  const [series] = sample.series;
  const zone = new TimeZone('Asia/Kolkata');
  const result = { ...sample, series: [{ ...series, timeZone: zone } as OutputSeries] };
  const csv = new CsvDocument('rfc3339');
  for (const piece of piecesOf(result)) csv.push(piece);
  expect(Buffer.concat(csv.take()).toString()).toContain('1970-01-01T05:30:01.5+05:30,0.0000001');
  const packed = new PackDocument('rfc3339');
  for (const piece of piecesOf(result)) packed.push(piece);
  packed.end();
  const text = Buffer.concat(packed.take()).toString('latin1');
  for (const time of ['1970-01-01T05:30:01+05:30', '1970-01-01T05:30:01.5+05:30'])
    expect(text).toContain(time);
});

/** Two valid characters, and bytes that are no UTF-8: one replacement each, as Go has it. */
const broken = Buffer.from('6130c3a9ffe28228eda080', 'hex');
const brokenText = 'a0é\ufffd\ufffd\ufffd(\ufffd\ufffd\ufffd';

function brokenResult(): StatementResult {
  const strings = { offsets: Uint32Array.of(0, broken.length), bytes: broken };
  const values = [{ type: 'string' as const, values: strings }];
  const timesNs = BigInt64Array.of(0n);
  const series = { kind: 'columns', columns: ['time', 's'], timesNs, values, start: 0, end: 1 } as const; // prettier-ignore
  return { statementId: 0, series: [series] };
}

test('json: bytes that are no UTF-8 are U+FFFD, one for each', () => {
  const text = writeJson([brokenResult()], { epochUnitNs: 1n }).toString();
  const { results } = JSON.parse(text) as { results: [{ series: [{ values: unknown[][] }] }] };
  expect(results[0].series[0].values[0]?.[1]).toBe(brokenText);
});

/** As a 1.12.4 gives them, whatever a client makes of it. */
test('msgpack, csv: bytes that are no UTF-8 are as they came, in texts and in names', () => {
  const name = exactTextOf(broken);
  const [series] = brokenResult().series;
  const named = { ...series, name, tags: [[name, name]], columns: ['time', name] } as OutputSeries;
  for (const result of [brokenResult(), { ...brokenResult(), series: [named] }]) {
    const count = result.series[0] === named ? 5 : 1;
    for (const bytes of [writeMessagePack([result], 1n), writeCsv([result], 1n)])
      expect(bytes.toString('latin1').split(broken.toString('latin1'))).toHaveLength(count + 1);
  }
  expect(writeCsvError(name).includes(broken)).toBe(true);
  const json = writeJson([{ ...brokenResult(), series: [named] }], { epochUnitNs: 1n }).toString();
  expect(json.split(String.raw`a0é\ufffd\ufffd\ufffd(\ufffd\ufffd\ufffd`)).toHaveLength(6);
});

test('msgpack: ids and counts of statements are integers, shares are floats', () => {
  const series: RowSeries = {
    kind: 'rows',
    columns: ['id', 'count', 'share'],
    rows: [[7, 70_000, 0.5]],
  };
  const bytes = writeMessagePack([{ statementId: 0, series: [series] }], 1n);
  const half = Buffer.alloc(8);
  half.writeDoubleBE(0.5);
  const row = Buffer.concat([Buffer.from([0x93, 7, 0xd2, 0, 1, 0x11, 0x70, 0xcb]), half]);
  expect(bytes.subarray(-row.length).toString('hex')).toBe(row.toString('hex'));
});
