import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parseQuery } from '../../src/influxql/parser.ts';
import { compiledKernels } from '../../src/kernels/module/kernel-module.ts';
import { QueryKernel } from '../../src/kernels/query-kernel.ts';
import { regexCache } from '../../src/influxql/regex.ts';
import { errorText } from '../../src/base/errors.ts';
import { assembleRows } from '../../src/query/assemble/rows.ts';
import { assembleWindows } from '../../src/query/assemble/windows.ts';
import {
  compileSelect,
  matchMeasurements,
  type MeasurementPlan,
} from '../../src/query/compile/compile-select.ts';
import type { MeasurementSchema } from '../../src/query/compile/schema.ts';
import { joinPieces } from '../../src/query/emit/join-pieces.ts';
import { writeCsv } from '../../src/query/emit/csv-writer.ts';
import { indentJson, writeJson } from '../../src/query/emit/json-writer.ts';
import {
  epochUnitNs,
  type OutputSeries,
  type StatementResult,
} from '../../src/query/emit/result.ts';
import { FragmentContext } from '../../src/query/exec/context.ts';
import { runFragment } from '../../src/query/exec/run-fragment.ts';
import type { RowsBlock, WindowsBlock } from '../../src/query/fragment.ts';
import { memoryArena, MemorySource } from '../support/memory-source.ts';
import { datasetPoints } from './query-dataset.ts';

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
const source = new MemorySource(datasetPoints(), { batchRows: 7 });

function schemaOf(name: string): MeasurementSchema {
  const fields = new Map(source.fields(name).map((field) => [field.name, field.type]));
  return { name, fields, tagKeys: new Set(source.tagKeys(name)) };
}

function seriesOf(
  plan: MeasurementPlan,
  memory: ReturnType<typeof memoryArena> | QueryKernel,
): AsyncIterable<OutputSeries> {
  // prettier-ignore
  const context = new FragmentContext(memory, regexCache(), () => false);
  const blocks = runFragment(plan.fragment, [source], context);
  const next = () => Promise.resolve(blocks.next());
  return plan.kind === 'rows'
    ? assembleRows([{ next: next as () => Promise<IteratorResult<RowsBlock, undefined>> }], plan.output) // prettier-ignore
    : assembleWindows([{ next: next as () => Promise<IteratorResult<WindowsBlock, undefined>> }], plan.output); // prettier-ignore
}

async function run(
  query: string,
  memory: ReturnType<typeof memoryArena> | QueryKernel = memoryArena(),
): Promise<StatementResult> {
  // prettier-ignore
  const series: OutputSeries[] = [];
  try {
    const [statement] = parseQuery(query);
    if (statement?.kind !== 'select') throw new Error('a SELECT expected');
    const names = matchMeasurements(statement, source.measurements());
    const options = { nowNs: 1_800_000_000_000_000_000n, bucketsMax: 0 };
    for (const plan of compileSelect(statement, names.map(schemaOf), options))
      for await (const one of seriesOf(plan, memory)) series.push(one);
  } catch (error) {
    return { statementId: 0, series: [], error: errorText(error) };
  }
  return { statementId: 0, series: joinPieces(series) };
}

test.each(recorded)('select: $query', async ({ query, answer, csv, pretty }) => {
  const result = await run(query);
  expect(writeJson([result], { epochUnitNs: undefined }).toString()).toBe(answer);
  expect(writeCsv([result], 1n).toString()).toBe(csv);
  const compact = writeJson([result], { epochUnitNs: epochUnitNs('ms') });
  expect(indentJson(compact).toString()).toBe(pretty);
});

test('select: the kernels give the same answers as their twins', async () => {
  for (const { query, answer } of recorded) {
    const kernel = new QueryKernel(compiledKernels(), { bytesMax: 1 << 24 });
    const result = await run(query, kernel);
    expect(writeJson([result], { epochUnitNs: undefined }).toString(), query).toBe(answer);
  }
});
