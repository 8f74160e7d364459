import { crc32 } from 'node:zlib';
import { expect, test } from 'vitest';
import { isDbError } from '../../../base/errors.ts';
import { decodeManifest, encodeManifest } from './shard-manifest.ts';

const files = new Map([
  ['000000001-000000001.tsm', { lengthBytes: 100, indexBytes: 40, indexCrc32: 4_294_967_295 }],
  ['000000002-000000001.tsm', { lengthBytes: 1 << 30, indexBytes: 0, indexCrc32: 0 }],
]);
const manifest = { flushedSequence: Number.MAX_SAFE_INTEGER, files };
const bytesOf = (text: string) => new TextEncoder().encode(text);

function outcome(bytes: Uint8Array): string {
  try {
    decodeManifest('7/shard.json', bytes);
    return 'taken';
  } catch (error) {
    return isDbError(error) ? `${error.code} ${error.message}` : String(error);
  }
}

function sealed(body: string): Uint8Array {
  return bytesOf(`${body},"crc32":"${crc32(body).toString(16).padStart(8, '0')}"}\n`);
}

test('shard manifest: reads what was written, none and many files', () => {
  for (const one of [{ flushedSequence: 0, files: new Map() }, manifest])
    expect(decodeManifest('7/shard.json', encodeManifest(one))).toEqual(one);
  expect(JSON.parse(new TextDecoder().decode(encodeManifest(manifest)))).toMatchObject({
    version: 2,
    flushedSequence: Number.MAX_SAFE_INTEGER,
  });
});

test('shard manifest: what tombstones were is read as it was written, and is two counts', () => {
  const tombstones = { lengthBytes: 40, crc32: 4_294_967_295 };
  const struck = new Map([['000000003-000000004.tsm', { lengthBytes: 9, indexBytes: 1, indexCrc32: 2, tombstones }]]); // prettier-ignore
  const one = { ...manifest, files: struck };
  expect(decodeManifest('7/shard.json', encodeManifest(one))).toEqual(one);
  const wrong = new TextDecoder().decode(encodeManifest(one)).replace('"lengthBytes":40', '"lengthBytes":"40"'); // prettier-ignore
  expect(outcome(sealed(wrong.slice(0, wrong.lastIndexOf(',"crc32"'))))).toBe('corrupt 7/shard.json: files are not a list of files'); // prettier-ignore
});

test('shard manifest: rows of blocks are read as they were written, and are a count', () => {
  const whole = new Map([['000000003-000000004.tsm', { lengthBytes: 9, indexBytes: 1, indexCrc32: 2, wholeRows: 10_000 }]]); // prettier-ignore
  const one = { ...manifest, files: whole };
  expect(decodeManifest('7/shard.json', encodeManifest(one))).toEqual(one);
  const wrong = new TextDecoder().decode(encodeManifest(one)).replace('"wholeRows":10000', '"wholeRows":-1'); // prettier-ignore
  expect(outcome(sealed(wrong.slice(0, wrong.lastIndexOf(',"crc32"'))))).toBe('corrupt 7/shard.json: files are not a list of files'); // prettier-ignore
});

test('shard manifest: deletes are read as they were written', () => {
  const far = { stamp: (9n << 64n) + 7n, minTimeNs: -(1n << 63n), maxTimeNs: (1n << 63n) - 1n, filter: 'bQ== bg==.AA==' }; // prettier-ignore
  const deletes = [{ ...far, stamp: 1n, minTimeNs: 0n, filter: '' }, far];
  const one = { ...manifest, deletes };
  expect(decodeManifest('7/shard.json', encodeManifest(one))).toEqual(one);
});

test('shard manifest: cut anywhere or with any bit turned over it is corrupt', () => {
  const good = encodeManifest(manifest);
  const corrupt = 'corrupt 7/shard.json: the checksum does not match';
  for (let end = 0; end < good.length; end++)
    expect(outcome(good.slice(0, end)), `cut at ${end}`).toBe(corrupt);
  for (let bit = 0; bit < good.length * 8; bit++) {
    const bad = good.slice();
    bad[bit >>> 3] = (bad[bit >>> 3] ?? 0) ^ (1 << (bit & 7));
    expect(outcome(bad), `bit ${bit}`).toBe(corrupt);
  }
});

test('shard manifest: the first version, without a checksum, is read', () => {
  const first = bytesOf('{"version":1,"flushedSequence":17}\n');
  expect(decodeManifest('7/shard.json', first)).toEqual({ flushedSequence: 17, files: new Map() });
});

test.each([
  ['{"version":3,"flushedSequence":1,"files":[]', 'unsupported_version 7/shard.json: version 3'],
  ['{"version":2,"flushedSequence":-1,"files":[]', 'corrupt 7/shard.json: flushedSequence is no count'], // prettier-ignore
  ['{"version":2,"flushedSequence":"1","files":[]', 'corrupt 7/shard.json: flushedSequence is no count'], // prettier-ignore
  ['{"version":2,"flushedSequence":1', 'corrupt 7/shard.json: files are not a list of files'],
  ['{"version":2,"flushedSequence":1,"files":[{"name":"x"}]', 'corrupt 7/shard.json: files are not a list of files'], // prettier-ignore
  ['{"version":2,"flushedSequence":1,"files":[],"deletes":[["1","x","2","m"]]', 'corrupt 7/shard.json: deletes are not a list of deletes'], // prettier-ignore
  ['{nothing', 'corrupt 7/shard.json: no JSON object'],
])('shard manifest: %s is refused', (body, wanted) => {
  expect(outcome(sealed(body))).toBe(wanted);
});
