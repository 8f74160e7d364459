import { expect, test } from 'vitest';
import { FailureLog } from './failure-log.ts';

test('failure log: a line a second of each kind, with how many were left out', () => {
  let nowMs = 0;
  const lines: string[] = [];
  const log = {
    error: (_: string, fields: object = {}) => void lines.push(JSON.stringify(fields)),
  };
  const failures = new FailureLog({ clock: { monotonicMs: () => nowMs }, log });
  for (let shard = 0; shard < 5_000; shard++) failures.failed('flush', new Error(`of ${shard}`));
  failures.failed('open shards', new Error('once'));
  nowMs = 1_000;
  failures.failed('flush', new Error('again'));
  nowMs = 2_000;
  failures.failed('flush', new Error('last'));
  expect(lines).toEqual([
    '{"name":"flush","error":"of 0"}',
    '{"name":"open shards","error":"once"}',
    '{"name":"flush","error":"again","leftOut":4999}',
    '{"name":"flush","error":"last"}',
  ]);
});
