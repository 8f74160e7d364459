import { errorText } from '../../src/base/errors.ts';
import { parseQuery } from '../../src/influxql/parser.ts';
import { regexCache } from '../../src/influxql/regex.ts';
import type { QueryKernel } from '../../src/kernels/query-kernel.ts';
import { assembleRows } from '../../src/query/assemble/rows.ts';
import { assembleWindows } from '../../src/query/assemble/windows.ts';
import {
  compileSelect,
  matchMeasurements,
  type MeasurementPlan,
} from '../../src/query/compile/compile-select.ts';
import type { MeasurementSchema } from '../../src/query/compile/schema.ts';
import { joinPieces } from '../../src/query/emit/join-pieces.ts';
import type { OutputSeries, StatementResult } from '../../src/query/emit/result.ts';
import { FragmentContext } from '../../src/query/exec/context.ts';
import { runFragment } from '../../src/query/exec/run-fragment.ts';
import type { RowsBlock, WindowsBlock } from '../../src/query/fragment.ts';
import { memoryArena, MemorySource } from '../support/memory-source.ts';
import { datasetPoints } from './query-dataset.ts';

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

/** Runs a SELECT over the dataset of query-dataset.ts in memory. */
export async function runQuery(
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
