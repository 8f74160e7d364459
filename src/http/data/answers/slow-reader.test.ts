import { EventEmitter } from 'node:events';
import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import { leaveSlowReader } from './slow-reader.ts';

/** An answer and a clock, both moved by hand. */
function answerOf(timeoutMs: number, idleMs = 10) {
  const memory = { isShort: false };
  const idle = (): void => undefined;
  const runs = { every: idle, after: idle };
  const cancelled: string[] = [];
  const clock = {
    every: (_ms: number, run: () => void) => {
      runs.every = run;
      return { cancel: () => cancelled.push('every') };
    },
    after: (_ms: number, run: () => void) => {
      runs.after = run;
      return { cancel: () => cancelled.push('after') };
    },
  } as unknown as Clock;
  const answer = Object.assign(new EventEmitter(), {
    writableLength: 0,
    socket: { bytesWritten: 0 },
    isDestroyed: false,
    destroy: () => {
      answer.isDestroyed = true;
    },
  });
  leaveSlowReader(answer as never, clock, {
    idleMs,
    timeoutMs,
    isMemoryShort: () => memory.isShort,
  });
  return { answer, runs, cancelled, memory };
}

test('slow reader: nothing to send yet, or something taken now and then, is no reason to leave', () => {
  const { answer, runs } = answerOf(0);
  runs.every();
  runs.every();
  answer.socket.bytesWritten = 100;
  answer.writableLength = 100;
  runs.every();
  answer.socket.bytesWritten = 150;
  answer.writableLength = 149;
  runs.every();
  answer.writableLength = 0;
  runs.every();
  runs.every();
  expect(answer.isDestroyed).toBe(false);
});

test('slow reader: when nothing of what waits was taken for a while it is left', () => {
  const { answer, runs } = answerOf(0);
  answer.socket.bytesWritten = 100;
  answer.writableLength = 90;
  runs.every();
  expect(answer.isDestroyed).toBe(false);
  runs.every();
  expect(answer.isDestroyed).toBe(true);
});

test('slow reader: where memory is short nobody waits long for one that takes nothing', () => {
  const { answer, runs, memory } = answerOf(0, 60_000);
  answer.socket.bytesWritten = 100;
  answer.writableLength = 90;
  for (let looks = 0; looks < 4; looks++) runs.every();
  expect(answer.isDestroyed).toBe(false);
  answer.writableLength = 80;
  memory.isShort = true;
  runs.every();
  expect(answer.isDestroyed).toBe(false);
  runs.every();
  expect(answer.isDestroyed).toBe(true);
});

test('slow reader: past the time of a query what still waits is left, what does not is not', () => {
  const idle = answerOf(1_000);
  idle.runs.after();
  expect(idle.answer.isDestroyed).toBe(false);
  const stuck = answerOf(1_000);
  stuck.answer.writableLength = 1;
  stuck.runs.after();
  expect(stuck.answer.isDestroyed).toBe(true);
});

test('slow reader: an answer that is over is watched no more', () => {
  const { answer, cancelled } = answerOf(1_000);
  answer.emit('close');
  expect(cancelled).toEqual(['every', 'after']);
});
