import { must } from '../../../src/base/assert.ts';
import { isValid } from '../../../src/query/column.ts';
import type { ColumnSeries } from '../../../src/query/emit/result.ts';
import { hostCount, spread, type SpreadOptions } from './run-grown-schemas.ts';
import { ask } from './read-rows.ts';

const roundCount = 12;
/** Reads that begin one after the other while a write goes on. */
const readCount = 10;
const stepMs = 1.5;

/** Rejects where a row that brings a field shows without it, to whoever reads while it is written. */
export async function runGrowingRows(
  options: SpreadOptions = {},
): Promise<{ readonly wholeCount: number }> {
  const { world, at, nodeCount, write, writeLines } = await spread(options);
  const { clock } = must(world.nodes[0], 'a node').env;
  await world.complete(write(at(0), 'm', 'a'));
  let wholeCount = 0;
  for (let round = 1; round <= roundCount; round++) {
    const field = `g${round}`;
    const fromNs = round * 100;
    const hosts = [...Array(hostCount).keys()];
    const lines = hosts.map((i) => `m,host=h${i} a=${i}i,${field}=${i}i ${fromNs + i}`);
    const text = `SELECT a, ${field} FROM m WHERE time >= ${fromNs} AND time < ${fromNs + hostCount} GROUP BY host`;
    const look = async (i: number): Promise<void> => {
      await clock.sleep(i * stepMs);
      const answer = await ask(at(i % nodeCount), text, 'd');
      if (typeof answer === 'string') throw new Error(`${text}: ${answer}`);
      for (const series of answer) {
        if (series.kind !== 'columns') continue;
        const [whole = 0, brought = 0] = cellCounts(series);
        if (whole !== brought) throw new Error(`${text} at node ${(i % nodeCount) + 1} has ${whole} of a and ${brought} of ${field}`); // prettier-ignore
        wholeCount += whole;
      }
    };
    const reads = Array.from({ length: readCount }, (_, i) => look(i));
    await world.complete(Promise.all([writeLines(at(round), lines), ...reads]));
  }
  return { wholeCount };
}

/** Of each column, those that are no null. */
function cellCounts({ values, start, end }: ColumnSeries): readonly number[] {
  const rows = Array.from({ length: end - start }, (_, i) => start + i);
  return values.map((column) => rows.filter((row) => isValid(column, row)).length);
}
