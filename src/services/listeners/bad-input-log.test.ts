import { expect, test } from 'vitest';
import type { Log, LogFields } from '../../env/log.ts';
import { BadInputLog } from './bad-input-log.ts';

test('bad input: ten lines a second are told, how many more there were with the next, and long texts are cut', () => {
  const told: string[] = [];
  let nowMs = 500;
  const log = { info: (text: string, fields: LogFields) => told.push(`${text} ${JSON.stringify(fields)}`) }; // prettier-ignore
  const bad = new BadInputLog({ clock: { monotonicMs: () => nowMs }, log: log as unknown as Log });
  const tell = (line: string | number): void => {
    bad.tell('bad', () => ({ line }));
  };
  for (let line = 1; line <= 13; line++) tell(line);
  expect(told).toEqual(Array.from({ length: 10 }, (_, i) => `bad {"line":${i + 1}}`));
  nowMs += 999;
  tell(14);
  expect(told).toHaveLength(10);
  nowMs += 1;
  tell('x'.repeat(1_024));
  tell('y'.repeat(1_025));
  expect(told.slice(10)).toEqual([
    'More of what was sent was bad {"count":4}',
    `bad {"line":"${'x'.repeat(1_024)}"}`,
    `bad {"line":"${'y'.repeat(1_024)}…"}`,
  ]);
  nowMs += 5_000;
  tell(15);
  expect(told.slice(13)).toEqual(['bad {"line":15}']);
});
