import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { goAcos, goAsin, goAtan, goAtan2 } from './arc-functions.ts';
import { goExp } from './exponential.ts';
import { goLog, goLog10, goLog2 } from './logarithm.ts';
import { goPow } from './power.ts';
import { goCos, goSin, goTan } from './trigonometry.ts';

/**
 * testdata/go-math.txt has lines `NAME X Y RESULT` of a Go 1.26 program on amd64, the bits of floats in hexadecimal: for each
 * function of package math (`log` is Log(x) / Log(y)) the results of some 60 special numbers and of 240 random ones, which
 * are by turns of random bits, in 0…1, 0…10 and 0…1000, whole, subnormal, powers of two, with exponents from -20 to 59, and
 * up to four floats beside multiples of pi / 4 (of up to 2 ** 63), beside special numbers, and beside sqrt(2) times a power of two.
 */
const lines = readFileSync(join(import.meta.dirname, 'testdata', 'go-math.txt'), 'utf8')
  .trimEnd()
  .split('\n');

const functions: Readonly<Record<string, (x: number, y: number) => number>> = {
  acos: goAcos,
  asin: goAsin,
  atan: goAtan,
  atan2: goAtan2,
  cos: goCos,
  exp: goExp,
  ln: goLog,
  log: (x, y) => goLog(x) / goLog(y),
  log10: goLog10,
  log2: goLog2,
  pow: goPow,
  sin: goSin,
  tan: goTan,
};

test.each(Object.entries(functions))('%s() has the bits of Go', (name, evaluate) => {
  const ofName = lines.filter((line) => line.startsWith(`${name} `));
  const different = ofName.filter((line) => {
    const [, x = '', y = '', result = ''] = line.split(' ');
    return !Object.is(evaluate(floatOf(x), floatOf(y)), floatOf(result));
  });
  expect(ofName.length).toBeGreaterThan(300);
  expect(different).toEqual([]);
});

function floatOf(hexadecimal: string): number {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(`0x${hexadecimal}`));
  return bytes.getFloat64(0);
}
