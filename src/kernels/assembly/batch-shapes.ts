// The shapes of a batch, one behind the other as its page says (docs/internals/format/point-batch.md): where a body has
// hundreds of measurements, a call for each part of each is more than the parts. Twin: writeColumns of data/engine/lines.
//
// `heads` are those of collect(): [shape u32][rows u32]. `named` has, shape by shape, [measurement u32][fields u32] and a
// word for each field: its type in the upper 8 bits, its name in the lower 24.

import { copyFewWords } from './bytes';
import { fieldTextBytes, gatherFieldBytes, gatherFieldWords, gatherTexts } from './gather';
import { collectedLines, collectedOrdinals, collectedSeriesPlaces } from './route';
import { gatherWords } from './rows';

/** Codes of FieldType. */
const booleanType: u32 = 2;
const stringType: u32 = 3;

// @ts-ignore: decorator
@inline
function padded(lengthBytes: usize): usize {
  return (lengthBytes + 7) & ~7;
}

/** Of all shapes counted last. */
let valueCount: u32 = 0;

export function shapesValues(): u32 {
  return valueCount;
}

/** Bytes that writeShapes() writes; counts the values that are in them. */
export function shapesBytes(values: usize, starts: usize, heads: usize, shapeCount: u32, named: usize): u32 {
  let sum: usize = 0;
  valueCount = 0;
  let lines = collectedLines();
  for (let shape: u32 = 0; shape < shapeCount; shape++) {
    const count = load<u32>(heads + (<usize>shape << 3), 4);
    const fieldCount = load<u32>(named, 4);
    named += 8;
    valueCount += count * fieldCount;
    sum += padded(12 + (<usize>fieldCount << 2)) + padded(<usize>count << 2) * 2 + (<usize>count << 3);
    for (let field: u32 = 0; field < fieldCount; field++, named += 4) {
      const type = load<u32>(named) >>> 24;
      if (type == booleanType) sum += padded(count);
      else if (type == stringType) sum += padded(<usize>(count + 1) << 2) + padded(fieldTextBytes(values, starts, lines, count, field));
      else sum += <usize>count << 3;
    }
    lines += <usize>count << 2;
  }
  return <u32>sum;
}

/** Moves on to the next multiple of 8 bytes, behind zeros: `out` lies at one where the batch has its first shape. */
// @ts-ignore: decorator
@inline
function pad(at: usize): usize {
  while ((at & 7) != 0) store<u8>(at++, 0);
  return at;
}

/** `out` is a multiple of 8. */
export function writeShapes(
  values: usize,
  starts: usize,
  times: usize,
  heads: usize,
  shapeCount: u32,
  named: usize,
  out: usize,
): void {
  let row: usize = 0;
  for (let shape: u32 = 0; shape < shapeCount; shape++) {
    const count = load<u32>(heads + (<usize>shape << 3), 4);
    const fieldCount = load<u32>(named, 4);
    const words = 2 + fieldCount;
    const lines = collectedLines() + row;
    const listBytes = <usize>count << 2;
    store<u32>(out, count);
    copyFewWords(out + 4, named, words);
    out = pad(out + 4 + (<usize>words << 2));
    copyFewWords(out, collectedOrdinals() + row, count);
    out = pad(out + listBytes);
    copyFewWords(out, collectedSeriesPlaces() + row, count);
    out = pad(out + listBytes);
    gatherWords(times, lines, count, out);
    out += <usize>count << 3;
    for (let field: u32 = 0; field < fieldCount; field++)
      out = writeColumn(values, starts, lines, count, field, load<u32>(named + 8 + (<usize>field << 2)) >>> 24, out);
    named += <usize>words << 2;
    row += listBytes;
  }
}

function writeColumn(
  values: usize,
  starts: usize,
  lines: usize,
  count: u32,
  field: u32,
  type: u32,
  out: usize,
): usize {
  if (type == booleanType) {
    gatherFieldBytes(values, starts, lines, count, field, out);
    return pad(out + count);
  }
  if (type != stringType) {
    gatherFieldWords(values, starts, lines, count, field, out);
    return out + (<usize>count << 3);
  }
  const offsetBytes = <usize>(count + 1) << 2;
  const bytes = pad(out + offsetBytes);
  gatherTexts(values, starts, lines, count, field, out, bytes);
  return pad(bytes + load<u32>(out + offsetBytes - 4));
}
