import { expect, test } from 'vitest';
import { droppedPointsLog } from './dropped-points-log.ts';

test('dropped points: a line for each policy in ten seconds, which says how many writes had none', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const warn = (message: string, fields?: object) => {
    lines.push(`${nowMs} ${message} ${JSON.stringify(fields)}`);
  };
  const say = droppedPointsLog({ monotonicMs: () => nowMs }, { warn });
  const dropped = { database: 'd', policy: 'autogen', droppedCount: 2, reason: 'why' };
  say(dropped);
  say(dropped);
  say({ ...dropped, policy: 'week' });
  nowMs = 10_000;
  say({ ...dropped, reason: 'another' });
  say(dropped);
  expect(lines).toEqual([
    '0 Points were not taken {"db":"d","rp":"autogen","dropped":2,"reason":"why"}',
    '0 Points were not taken {"db":"d","rp":"week","dropped":2,"reason":"why"}',
    '10000 Points were not taken {"db":"d","rp":"autogen","dropped":2,"reason":"another","leftOut":1}',
  ]);
});
