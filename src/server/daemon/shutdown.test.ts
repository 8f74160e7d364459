import { expect, test } from 'vitest';
import type { Timer } from '../../env/clock.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeLog } from '../../env/node/log/node-log.ts';
import { hardStopMs, Shutdown } from './shutdown.ts';

/** A clock whose timers fire when the test says so. */
class StoppedClock extends NodeClock {
  readonly timers: { readonly durationMs: number; readonly run: () => void }[] = [];

  override after(durationMs: number, run: () => void): Timer {
    this.timers.push({ durationMs, run });
    return { cancel: () => undefined };
  }
}

function create(): { clock: StoppedClock; shutdown: Shutdown; codes: number[] } {
  const clock = new StoppedClock();
  const codes: number[] = [];
  const log = NodeLog.create({ clock, format: 'json', level: 'error', write: () => undefined });
  const exit = (code: number): void => {
    codes.push(code);
  };
  return { clock, codes, shutdown: new Shutdown({ clock, log, exit }) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

test('shutdown: closes the last first, then exits with the code of its reason', async () => {
  const { shutdown, codes } = create();
  const closed: string[] = [];
  for (const name of ['pid file', 'server'])
    shutdown.onStop(async () => {
      await turn();
      closed.push(name);
    });
  shutdown.begin('a fatal error', 1);
  await turn();
  await turn();
  await turn();
  expect({ closed, codes }).toEqual({ closed: ['server', 'pid file'], codes: [1] });
});

test('shutdown: a second signal ends it at once with 1', () => {
  const { shutdown, codes } = create();
  shutdown.onStop(() => new Promise(() => undefined));
  shutdown.begin('SIGTERM', 0);
  expect(codes).toEqual([]);
  shutdown.begin('SIGTERM', 0);
  expect(codes).toEqual([1]);
});

test('shutdown: a stop that hangs is ended with 1 after 30 seconds', () => {
  const { shutdown, codes, clock } = create();
  shutdown.onStop(() => new Promise(() => undefined));
  shutdown.begin('SIGTERM', 0);
  expect(clock.timers.map(({ durationMs }) => durationMs)).toEqual([hardStopMs]);
  expect(hardStopMs).toBe(30_000);
  clock.timers[0]?.run();
  expect(codes).toEqual([1]);
});

test('shutdown: a stop that fails exits with 1', async () => {
  const { shutdown, codes } = create();
  shutdown.onStop(() => Promise.reject(new Error('the disk is gone')));
  shutdown.begin('SIGTERM', 0);
  await turn();
  expect(codes).toEqual([1]);
});
