import { expect, test } from 'vitest';
import type { Clock } from '../../env/clock.ts';
import { QueryRegistry } from './query-registry.ts';

const clock = { monotonicMs: () => 5 } as unknown as Clock;
const query = {
  text: () => 'SELECT 1',
  database: 'd',
  user: '',
  signal: new AbortController().signal,
};

test('queries: listed until done, killed once, unknown ids refused', () => {
  const registry = new QueryRegistry(clock, { concurrentMax: 0 });
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

test('queries: one more than allowed is refused', () => {
  const registry = new QueryRegistry(clock, { concurrentMax: 1 });
  const ticket = registry.start(query);
  expect(() => registry.start(query)).toThrow('max-concurrent-queries limit exceeded(2, 1)');
  ticket.done();
  expect(registry.start(query).id).toBe(2);
});
