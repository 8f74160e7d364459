import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { expect, test } from 'vitest';
import { NodeProfiler } from './node-profiler.ts';

const profiler = new NodeProfiler();
const { signal } = new AbortController();

test('node profiler: samples the main thread and each worker', async () => {
  const code = 'require("node:worker_threads").parentPort.postMessage(0); setInterval(() => 0, 10)';
  const worker = new Worker(code, { eval: true });
  await once(worker, 'message');
  try {
    const threads = await profiler.cpu(300, signal);
    expect(threads.map(({ thread }) => thread)).toEqual(
      expect.arrayContaining(['main', expect.stringMatching(/^worker \d+$/)]),
    );
    for (const { nodes, samples, timeDeltas } of threads) {
      const ids = new Set(nodes.map(({ id }) => id));
      expect(samples.length).toBeGreaterThan(0);
      expect(samples.filter((id) => !ids.has(id))).toEqual([]);
      expect(timeDeltas).toHaveLength(samples.length);
    }
  } finally {
    await worker.terminate();
  }
});

test('node profiler: one at a time, ended from outside, and then the next', async () => {
  const ending = new AbortController();
  const first = profiler.cpu(60_000, ending.signal);
  await expect(profiler.heap(10, signal)).rejects.toThrow('cpu profiling already in use');
  ending.abort(new Error('enough'));
  await expect(first).rejects.toThrow('enough');
  const { children } = await profiler.heap(10, signal);
  expect(Array.isArray(children)).toBe(true);
});

test('node profiler: names what the process waits for', () => {
  expect(profiler.waiting()).toEqual(expect.any(Array));
});
