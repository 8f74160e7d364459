import { expect, test } from 'vitest';
import { valuesColumn } from '../../query/exec/window-accumulator.ts';
import { AnswerAccount } from './answer-account.ts';

const piece = {
  kind: 'columns',
  columns: ['time', 'v', 's'],
  timesNs: new BigInt64Array(10),
  values: [valuesColumn('float', Array.from({ length: 10 }, () => 1)), valuesColumn('string', Array.from({ length: 10 }, () => 'abcd'))], // prettier-ignore
  start: 0,
  end: 10,
} as const;

test('answer account: pieces add up, and the one too many ends the query with what it took', () => {
  // Times and floats 80 bytes each, offsets of texts 44, their bytes 40.
  const account = new AnswerAccount(500);
  account.add(piece);
  account.add(piece);
  expect(() => {
    account.add(piece);
  }).toThrow(/^query memory limit exceeded: \(732\/500 bytes\)/);
});
