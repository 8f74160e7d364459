import { expect, test } from 'vitest';
import { withEngine } from '../../../../test/support/engine-of-lines.ts';
import { kept } from '../../../../test/support/store-script.ts';
import type { SelectStatement } from '../../../influxql/ast.ts';
import { parseQuery } from '../../../influxql/parser.ts';
import { decodeShareHead, spanNumbers } from './answer-share.ts';
import { taskText, type AnswerPart, type AnswerTask } from './answer-task.ts';

type Ask = (text: string, more?: Partial<AnswerTask>) => Promise<readonly string[]>;

/** Asks an engine in whose store some lines are, of measurements `m` and `k`; the parts of each answer. */
async function asking(lines: string, use: (ask: Ask) => Promise<void>): Promise<void> {
  await withEngine(lines, async (engine) => {
    await use(async (text, more = {}) => {
      const statement = parseQuery(text)[0] as SelectStatement;
      const places = [{ database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m', 'k'] }]; // prettier-ignore
      const limits = { bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
      const range = { minNs: undefined, maxNs: undefined };
      const task = { statement, range, places, ...limits, epochUnitNs: 1n, ...more };
      const request = { text: taskText(task) ?? '', nowNs: 9n, isKept: false };
      const parts: string[] = [];
      for await (const { body } of engine.stream('answer', request, { cancelled: () => false }))
        parts.push(Buffer.from((body as AnswerPart).bytes).toString());
      return parts;
    });
  });
}

test('answer: max-select-point is of all that a statement reads', async () => {
  await asking('m v=1 1\nm v=2.5 2\nk v=3 1\nk v=4 2', async (ask) => {
    const text = 'SELECT v FROM db.autogen.m, db.autogen.k';
    expect((await ask(text, { pointsMax: 4 })).join('')).toContain('[[1,3],[2,4]]');
    await expect(ask(text, { pointsMax: 3 })).rejects.toThrow('max-select-point limit exceeded: (4/3)'); // prettier-ignore
  });
});

test('answer: one that is there at once is the reply itself, and leaves nothing held', async () => {
  await withEngine('m v=1 1\nm v=2.5 2', async (engine) => {
    const statement = parseQuery('SELECT max(v) FROM db.autogen.m')[0] as SelectStatement;
    const places = [{ database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }]; // prettier-ignore
    const task = { statement, range: { minNs: undefined, maxNs: undefined }, places, bucketsMax: 0, seriesMax: 0, pointsMax: 0, epochUnitNs: 1n }; // prettier-ignore
    const request = { text: taskText(task) ?? '', nowNs: 9n, isKept: true };
    // Its shard is opened for the first one.
    for await (const _ of engine.stream('answer', request, { cancelled: () => false }));
    for (let i = 0; i < 2; i++) {
      const begun = engine.begin?.('answer', request, { cancelled: () => false });
      if (begun === undefined || !('body' in begun)) throw new Error('it has to be asked for');
      expect(Buffer.from((begun.body as AnswerPart).bytes).toString()).toContain('[[2,2.5]]');
    }
    const cancelled = { cancelled: () => true };
    expect(() => engine.begin?.('answer', request, cancelled)).toThrow('query interrupted');
  });
});

const more = ',"partial":true}],"partial":true}]}\n';
const last = '}]}]}\n';
const chunkedCases: readonly [string, number, readonly string[]][] = [
  ['SELECT v FROM db.autogen.m', 3, [`[[1,1],[1,4],[2,2]]${more}`, `[[3,3]]${last}`]],
  ['SELECT v FROM db.autogen.m', 4, [`[[1,1],[1,4],[2,2],[3,3]]${last}`]],
  ['SELECT v FROM db.autogen.m GROUP BY t', 2, [`[[1,1],[2,2]]${more}`, '[[3,3]]}],"partial":true}]}\n', `[[1,4]]${last}`]], // prettier-ignore
  ['SELECT v FROM db.autogen.m WHERE v > 9', 2, ['{"results":[{"statement_id":0}]}\n']],
];

test.each(chunkedCases)(
  'answer: %s in chunks of %s rows leaves chunk by chunk, all but the last partial',
  async (text, chunkRowsMax, wanted) => {
    await asking('m,t=a v=1 1\nm,t=a v=2 2\nm,t=a v=3 3\nm,t=b v=4 1', async (ask) => {
      const parts = await ask(text, { chunkRowsMax });
      expect(parts.map((part) => part.replace(/^.*"values":/, ''))).toEqual(wanted);
    });
  },
);

test.each([
  ['SELECT v FROM db.autogen.m GROUP BY t', true, [['a'], ['b']]],
  ['SELECT v FROM db.autogen.m GROUP BY t ORDER BY time DESC', false, [['b'], ['a']]],
  ["SELECT v FROM db.autogen.m WHERE t = 'b'", true, [[]]],
  ["SELECT v FROM db.autogen.m WHERE t = 'nobody'", true, []],
  // Series that pass are told, with points in the range or without.
  ['SELECT max(v), percentile(v, 60) FROM db.autogen.m WHERE time > 1h GROUP BY t', true, [['a'], ['b']]],
])('answer: as a share %s says its groups and where their series are', async (text, ascending, groups) => {
  await withEngine('m,t=a v=1 1\nm,t=a v=2 2\nm,t=b v=4 1', async (engine) => {
    const statement = parseQuery(text)[0] as SelectStatement;
    const places = [{ database: 'db', retentionPolicy: 'autogen', isParted: false, shardIds: [kept.shardId], names: ['m'] }];
    const task = { statement, range: { minNs: undefined, maxNs: undefined }, places, bucketsMax: 0, seriesMax: 0, pointsMax: 0 };
    const request = { text: taskText(task) ?? '', nowNs: 9n, isKept: false, isShare: true };
    const parts: AnswerPart[] = [];
    for await (const { body } of engine.stream('answer', request, { cancelled: () => false }))
      parts.push(body as AnswerPart);
    const [part, ...others] = parts;
    expect(others).toEqual([]);
    const { head, spans } = part?.share ?? {};
    if (part === undefined || head === undefined || spans === undefined) throw new Error('a share has both');
    expect(decodeShareHead(head, ascending).groups).toEqual(groups);
    const document = Buffer.from(part.bytes).toString();
    const { results: [{ series = [] } = {}] } = JSON.parse(document) as { results: readonly { series?: unknown[] }[] };
    const said = Array.from({ length: spans.length / spanNumbers }, (_, i) => JSON.parse(document.slice(spans[i * spanNumbers + 1], spans[i * spanNumbers + 2])) as unknown);
    expect(said).toEqual(series);
  });
}); // prettier-ignore
