import { expect, test } from 'vitest';
import { traceEvents } from './trace-events.ts';

const node = (id: number, functionName: string) => ({
  id,
  callFrame: { functionName, url: 'file.ts', lineNumber: 6 },
});

test('trace events: samples of one place that follow each other are one stay; idle time is none', () => {
  const cpu = {
    thread: 'worker 1',
    nodes: [node(1, '(idle)'), node(2, 'parse'), node(3, '')],
    samples: [2, 2, 1, 3, 2],
    timeDeltas: [5, 10, 20, 30, 40],
  };
  const { traceEvents: events } = JSON.parse(traceEvents([cpu])) as { traceEvents: object[] };
  const at = { pid: 1, tid: 1 };
  const args = { url: 'file.ts', line: 7 };
  expect(events).toEqual([
    { name: 'thread_name', ph: 'M', ...at, args: { name: 'worker 1' } },
    { name: 'parse', ph: 'X', ...at, ts: 5, dur: 30, args },
    { name: '(anonymous)', ph: 'X', ...at, ts: 65, dur: 40, args },
    { name: 'parse', ph: 'X', ...at, ts: 105, dur: 0, args },
  ]);
  expect(JSON.parse(traceEvents([]))).toMatchObject({ traceEvents: [] });
});
