import type { QueryKernel } from '../../src/kernels/query-kernel.ts';
import type { StatementResult } from '../../src/query/emit/result.ts';
import { MemorySource, type memoryArena } from '../support/memory-source.ts';
import { runSelectOver } from '../support/run-select.ts';
import { datasetPoints } from './query-dataset.ts';

const source = new MemorySource(datasetPoints(), { batchRows: 7 });

/** Runs a SELECT over the dataset of query-dataset.ts in memory. */
export function runQuery(
  query: string,
  memory?: ReturnType<typeof memoryArena> | QueryKernel,
): Promise<StatementResult> {
  return runSelectOver(query, { nodes: [source], memory });
}
