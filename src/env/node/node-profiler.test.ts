import { EventEmitter, once } from 'node:events';
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

test('node profiler: a second one of the processor is refused, until nobody waits for the first', async () => {
  const ending = new AbortController();
  const first = profiler.cpu(60_000, ending.signal);
  await expect(profiler.cpu(10, signal)).rejects.toThrow('cpu profiling already in use');
  ending.abort(new Error('enough'));
  const second = profiler.cpu(10, signal);
  await expect(first).rejects.toThrow('enough');
  expect((await second).map(({ thread }) => thread)).toContain('main');
});

test('node profiler: memory and threads are told while the processor is sampled, and to several at once', async () => {
  const ending = new AbortController();
  const busy = profiler.cpu(60_000, ending.signal);
  const live = { durationMs: 20, isAll: false };
  const asked = [profiler.heap(live, signal), profiler.heap({ ...live, isAll: true }, signal)];
  const held: number[][] = [];
  for (let i = 0; i < 200; i++) held.push(new Array<number>(1_000).fill(i + 0.5));
  for (const threads of await Promise.all(asked))
    expect(threads.map(({ thread }) => thread)).toContain('main');
  expect(held).toHaveLength(200);
  expect(await profiler.threads(signal)).toContain('main');
  ending.abort(new Error('enough'));
  await expect(busy).rejects.toThrow('enough');
});

/** A worker that goes on to make and keep lists, and says so. */
async function busyWorker(): Promise<Worker> {
  const code = `
    const held = [];
    setInterval(() => { for (let i = 0; i < 50; i++) held.push(new Array(500).fill(i + 0.5)); }, 5);
    require("node:worker_threads").parentPort.postMessage(0);`;
  const worker = new Worker(code, { eval: true });
  await once(worker, 'message');
  return worker;
}

test('node profiler: a recording has all until it is ended, also of workers that came later and have gone', async () => {
  const ending = new AbortController();
  const parts: string[][] = [];
  const gotPart = new EventEmitter();
  const recorder = new NodeProfiler({ partMs: 50 });
  const recorded = recorder.recordCpu(ending.signal, (threads) => {
    parts.push(threads.map(({ thread }) => thread));
    gotPart.emit('part');
  });
  await expect(recorder.cpu(10, signal)).rejects.toThrow('cpu profiling already in use');
  const worker = await busyWorker();
  while (!parts.some((names) => names.length > 1)) await once(gotPart, 'part');
  await worker.terminate();
  const countBefore = parts.length;
  while (parts.length < countBefore + 3) await once(gotPart, 'part');
  expect(parts.at(-1)).toEqual(['main']);
  ending.abort(new Error('enough'));
  await recorded;
  expect((await recorder.cpu(10, signal)).map(({ thread }) => thread)).toContain('main');
});

test('node profiler: while memory is recorded others see what there is of it, and it is not ended by them', async () => {
  const ending = new AbortController();
  const recorder = new NodeProfiler();
  const recorded = recorder.recordHeap(ending.signal);
  const worker = await busyWorker();
  const live = { durationMs: 60_000, isAll: false };
  try {
    const names = async (): Promise<readonly string[]> =>
      (await recorder.heap(live, signal)).map(({ thread }) => thread);
    for (const _ of [1, 2]) expect(await names()).toEqual(['main', expect.stringMatching(/^worker \d+$/)]); // prettier-ignore
    await expect(recorder.heap({ ...live, isAll: true }, signal)).rejects.toThrow('memory profiling already in use'); // prettier-ignore
    // Samples are half a megabyte apart: of what a thread takes in a moment there may be none.
    const held = Array.from({ length: 4_000 }, () => new Array<number>(1_000).fill(0.5));
    ending.abort();
    const threads = await recorded;
    expect(threads.map(({ thread }) => thread)).toEqual([
      'main',
      expect.stringMatching(/^worker /),
    ]);
    expect(held.length * (threads[0]?.head.children.length ?? 0)).toBeGreaterThan(0);
  } finally {
    await worker.terminate();
  }
  expect((await recorder.heap({ ...live, durationMs: 1 }, signal)).length).toBeGreaterThan(0);
});

test('node profiler: what a worker holds is seen, and what it has let go of where all is asked for', async () => {
  const code = `
    const held = [];
    setInterval(() => {
      held.push(new Array(2000).fill(0.5));
      for (let i = 0; i < 20; i++) new Array(2000).fill(i);
    }, 5);
    require("node:worker_threads").parentPort.postMessage(0);`;
  const worker = new Worker(code, { eval: true });
  await once(worker, 'message');
  const bytesOf = async (isAll: boolean): Promise<number> => {
    const threads = await profiler.heap({ durationMs: 300, isAll }, signal);
    const others = threads.filter(({ thread }) => thread.startsWith('worker '));
    const pending = others.map(({ head }) => head);
    let bytes = 0;
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      bytes += node.selfSize;
      pending.push(...node.children);
    }
    return bytes;
  };
  try {
    const live = await bytesOf(false);
    expect(live).toBeGreaterThan(0);
    expect(await bytesOf(true)).toBeGreaterThan(live);
  } finally {
    await worker.terminate();
  }
});

test('node profiler: names what the process waits for', () => {
  expect(profiler.waiting()).toEqual(expect.any(Array));
});
