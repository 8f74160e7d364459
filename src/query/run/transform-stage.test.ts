import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';
import type { Transformation } from '../functions/function.ts';
import { noPoints, pointsOf } from '../functions/cells.ts';
import { TransformStage } from './transform-stage.ts';

test('transform: long work at the end gives others their turn after each slice', () => {
  const one: Transformation = {
    heldBytes: 0,
    push: () => noPoints('float'),
    finish: () => {
      throw new Error('it can be done in slices');
    },
    *finishInSlices() {
      for (let slice = 0; slice < 3; slice++) yield undefined;
      return pointsOf('float', [7n], [1]);
    },
  };
  const stage = new TransformStage(() => one, undefined);
  const start = { ...pointsOf('float', [1n], [1]), subgroups: undefined };
  expect([...stage.push(start)]).toEqual([]);
  expect([...stage.finish()].map(({ timesNs }) => [...timesNs])).toEqual([[], [], [], [7n]]);
});

/** What 1.12.4 answers: of one point no forecast is made, and the groups behind have none either. */
test('transform: a group without a forecast ends those of the groups behind, beside no other call', async () => {
  const row = (host: string, second: number, v: number) => ({ measurement: 'm', tags: { host }, fields: { v }, timeNs: BigInt(second) * 1_000_000_000n }); // prettier-ignore
  const rows = (host: string) => [0, 10, 20, 30].map((second) => row(host, second, second + 1));
  const ask = async (list: string, few: string, many: string): Promise<unknown> => {
    const nodes = [new MemorySource([row(few, 0, 1), ...rows(many)])];
    const query = `SELECT ${list} FROM m WHERE time < 40s GROUP BY time(10s), host fill(none)`;
    const { series, error } = await runSelectOver(query, { nodes });
    return error ?? series.map(({ tags }) => tags?.[0]?.[1]);
  };
  expect(await ask('holt_winters(max(v), 1, 0)', 'b', 'a')).toEqual(['a']);
  expect(await ask('holt_winters(max(v), 1, 0)', 'a', 'b')).toEqual([]);
  expect(await ask('holt_winters(max(v), 1, 0), max(v)', 'a', 'b')).toEqual(['a', 'b']);
});
