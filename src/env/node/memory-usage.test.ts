import { afterEach, expect, test, vi } from 'vitest';
import { IdleGarbage } from './idle-garbage.ts';
import { memoryUsage } from './memory-usage.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

test('memory usage: a process that may open no more files is told what was last known', () => {
  const before = memoryUsage();
  expect(before.rss).toBeGreaterThan(1_000_000);
  vi.spyOn(process, 'memoryUsage').mockImplementation(() => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  });
  expect(memoryUsage()).toBe(before);
});

test('idle garbage: a thread of a process that may open no more files looks, and goes on', () => {
  vi.spyOn(process, 'memoryUsage').mockImplementation(() => {
    throw new Error('EMFILE: too many open files, uv_resident_set_memory');
  });
  expect(() => {
    new IdleGarbage().look();
  }).not.toThrow();
});
