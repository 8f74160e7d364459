import { expect, test } from 'vitest';
import type { Clock } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import { noQueryLimits, QueryRegistry, type QueryLimits } from './query-registry.ts';

const query = {
  text: () => 'SELECT 1',
  database: 'd',
  user: 'u',
  timeoutMs: 0,
  signal: new AbortController().signal,
};

/** A registry whose time passes by hand, with what it logged. */
function setting(limits: Partial<QueryLimits> = {}) {
  const lines: unknown[] = [];
  const timers = new Set<{ readonly atMs: number; readonly run: () => void }>();
  let nowMs = 5;
  const clock = {
    monotonicMs: () => nowMs,
    after: (delayMs: number, run: () => void) => {
      const timer = { atMs: nowMs + delayMs, run };
      timers.add(timer);
      return { cancel: () => timers.delete(timer) };
    },
  } as unknown as Clock;
  const note = (text: string, fields?: object) => lines.push(fields === undefined ? text : [text, fields]); // prettier-ignore
  const registry = new QueryRegistry(
    { clock, log: { warn: note, info: note } as unknown as Log },
    { ...noQueryLimits, ...limits },
  );
  const pass = (ms: number): void => {
    nowMs += ms;
    for (const timer of timers) {
      if (timer.atMs > nowMs) continue;
      timers.delete(timer);
      timer.run();
    }
  };
  return { registry, lines, pass, timers };
}

test('queries: listed until done, killed once, unknown ids refused', () => {
  const { registry } = setting();
  const ticket = registry.start(query);
  expect(registry.list()).toMatchObject([{ id: 1, text: 'SELECT 1', status: 'running' }]);
  registry.kill(1);
  expect((ticket.signal.reason as Error).message).toBe('query interrupted');
  expect(() => registry.kill(1)).toThrow('already killed');
  ticket.done();
  ticket.done();
  expect(() => registry.kill(1)).toThrow('no such query id: 1');
  expect(registry.list()).toEqual([]);
  const [{ values } = { values: {} }] = registry.statistics();
  expect(values).toMatchObject({ queriesActive: 0, queriesExecuted: 1, queriesFinished: 1 });
});

test('queries: one more than allowed is refused, with the number of those that run', () => {
  const { registry } = setting({ concurrentMax: 1 });
  const ticket = registry.start(query);
  expect(() => registry.start(query)).toThrow('max-concurrent-queries limit exceeded(1, 1)');
  ticket.done();
  expect(registry.start(query).id).toBe(2);
});

test('queries: a slow one is logged while it runs, one that ended is not', () => {
  const { registry, lines, pass, timers } = setting({ slowAfterMs: 1_500 });
  const quick = registry.start(query);
  pass(1_000);
  quick.done();
  registry.start(query);
  pass(1_400);
  expect(lines).toEqual([]);
  pass(100);
  expect(lines).toEqual([
    'Detected slow query: SELECT 1 (qid: 2, database: d, user: u, threshold: 1.5s)',
  ]);
  expect(timers.size).toBe(0);
});

test('queries: one whose time is up ends, and is logged where that is asked for', () => {
  for (const logsTimedOut of [false, true]) {
    const { registry, lines, pass } = setting({ logsTimedOut });
    const { signal } = registry.start({ ...query, timeoutMs: 2_000 });
    pass(1_999);
    expect(signal.aborted).toBe(false);
    pass(1);
    expect((signal.reason as Error).message).toBe('query-timeout limit exceeded');
    const fields = { query: 'SELECT 1', database: 'd', user: 'u', timeout: '2s' };
    expect(lines).toEqual(logsTimedOut ? [['query killed for exceeding timeout limit', fields]] : []); // prettier-ignore
  }
});

test('queries: what still runs is said when the node stops', () => {
  const { registry, lines, pass } = setting();
  registry.start(query);
  pass(2_345.678);
  registry.start(query).done();
  registry.logRunning();
  const fields = { qid: 1, query: 'SELECT 1', database: 'd', duration: '2s', status: 'running', user: 'u' }; // prettier-ignore
  expect(lines).toEqual([['Current Queries', fields]]);
});

test('queries: one that leaves was never there', () => {
  const { registry } = setting({ concurrentMax: 1 });
  registry.start(query).leave();
  expect(registry.list()).toEqual([]);
  const ticket = registry.start(query);
  ticket.done();
  const [{ values } = { values: {} }] = registry.statistics();
  expect(values).toMatchObject({ queriesActive: 0, queriesFinished: 1 });
});

test('queries: one whose client takes nothing gives back its place when it is ended', () => {
  const ends: Record<string, (one: ReturnType<typeof setting>, left: AbortController) => void> = {
    killed: ({ registry }) => {
      registry.kill(1);
    },
    'out of time': ({ pass }) => {
      pass(2_000);
    },
    left: (_, left) => {
      left.abort(new Error('query aborted'));
    },
  };
  for (const [name, end] of Object.entries(ends)) {
    for (const isIdleFirst of [true, false]) {
      const one = setting({ concurrentMax: 1 });
      const left = new AbortController();
      const ticket = one.registry.start({ ...query, timeoutMs: 2_000, signal: left.signal });
      ticket.idle(isIdleFirst);
      end(one, left);
      expect(one.registry.list().length, name).toBe(isIdleFirst ? 0 : 1);
      ticket.idle(true);
      expect(one.registry.list(), name).toEqual([]);
      ticket.done();
      const [{ values } = { values: {} }] = one.registry.statistics();
      expect(values).toMatchObject({ queriesActive: 0, queriesFinished: 1 });
    }
  }
});
