import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import { QueryKernel } from '../../src/kernels/query-kernel.ts';
import { writeCsv } from '../../src/query/emit/csv-writer.ts';
import { indentJson } from '../../src/query/emit/json-indent.ts';
import { writeJson } from '../../src/query/emit/json-writer.ts';
import { epochUnitNs } from '../../src/query/emit/result.ts';
import { runQuery } from './run-query.ts';

interface Recorded {
  readonly query: string;
  readonly answer: string;
  readonly csv: string;
  /** With `pretty=true&epoch=ms`. */
  readonly pretty: string;
}

const recorded = readFileSync(join(import.meta.dirname, 'testdata/select.jsonl'), 'utf8')
  .split('\n')
  .filter((line) => line !== '')
  .map((line) => JSON.parse(line) as Recorded);

test.each(recorded)('select: $query', async ({ query, answer, csv, pretty }) => {
  const result = await runQuery(query);
  expect(writeJson([result], { epochUnitNs: undefined }).toString()).toBe(answer);
  expect(writeCsv([result], 1n).toString()).toBe(csv);
  const compact = writeJson([result], { epochUnitNs: epochUnitNs('ms') });
  expect(indentJson(compact).toString()).toBe(pretty);
});

test('select: the kernels give the same answers as their twins', async () => {
  for (const { query, answer } of recorded) {
    const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 24 });
    const result = await runQuery(query, kernel);
    expect(writeJson([result], { epochUnitNs: undefined }).toString(), query).toBe(answer);
  }
});
