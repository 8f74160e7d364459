import { expect, test } from 'vitest';
import { MemorySource } from '../../../test/support/memory-source.ts';
import { runSelectOver } from '../../../test/support/run-select.ts';

const nodes = [new MemorySource([{ measurement: 'm', tags: {}, fields: { v: 1 }, timeNs: 1n }])];
const run = (source: string, count: number) => runSelectOver(`SELECT v FROM ${Array.from({ length: count }, () => source).join()}`, { nodes }); // prettier-ignore

test.each(['m', '/m/', '(SELECT v FROM m)', '(SELECT v FROM m, m)'])(
  'sources: %s very often in one statement is refused before anything is opened',
  async (source) => {
    const { error, series } = await run(source, 1_025);
    expect(error).toMatch(/at most 1024 sources side by side, not \d+$/);
    expect(series).toEqual([]);
    expect((await run(source, 3)).series).toHaveLength(1);
  },
);
