import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { Mutex } from '../../base/async/mutex.ts';
import { DbError } from '../../base/errors.ts';
import type { CpuNode, HeapNode, HeapOptions, Profiler, ThreadCpu, ThreadHeap } from '../profiler.ts'; // prettier-ignore
import { ThreadSession, type ThreadTarget } from './thread-session.ts';

interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

/** Microseconds between two samples: a hundred a second, as Go's. */
const intervalUs = 10_000;
/** Bytes of memory given out between two samples. */
const heapIntervalBytes = 32 * 1024;
/** What V8 keeps of a recording grows with each sample: so often it is taken, and begun anew. */
const partMsDefault = 60_000;

/** V8's own profilers; workers are reached through the main thread's session. */
export class NodeProfiler implements Profiler {
  /** The CPU profile that is being taken: whose it is, and what resolves once it is over. */
  #cpu: { readonly signal: AbortSignal; readonly over: Promise<unknown> } | undefined;
  readonly #heapTurns = new Mutex();
  /** A thread has one sampler of memory: while memory is recorded, others look at what that has. */
  #recordedHeap: ThreadSession | undefined;
  readonly #partMs: number;

  constructor({ partMs = partMsDefault }: { readonly partMs?: number } = {}) {
    this.#partMs = partMs;
  }

  cpu(durationMs: number, signal: AbortSignal): Promise<readonly ThreadCpu[]> {
    return this.#takeCpu(signal, () =>
      ThreadSession.with((targets) => sampleCpu(targets, durationMs, signal)),
    );
  }

  recordCpu(signal: AbortSignal, onPart: (threads: readonly ThreadCpu[]) => void): Promise<void> {
    return this.#takeCpu(signal, async () => {
      const threads = new ThreadSession(startCpu);
      try {
        await threads.open();
        while (!signal.aborted) {
          await sleep(this.#partMs, undefined, { signal }).catch(noop);
          const part = threads.each(async (target) => {
            const taken = await stopCpu(target);
            if (!signal.aborted) await startCpu(target);
            return taken;
          });
          onPart(await part);
        }
      } finally {
        threads.close();
      }
    });
  }

  async #takeCpu<T>(signal: AbortSignal, take: () => Promise<T>): Promise<T> {
    // One that nobody waits for any more is ending.
    while (this.#cpu?.signal.aborted === true) await this.#cpu.over;
    if (this.#cpu !== undefined)
      throw new DbError('conflict', 'Could not enable CPU profiling: cpu profiling already in use');
    const taken = take();
    const over = taken.then(noop, noop).then(() => {
      this.#cpu = undefined;
    });
    this.#cpu = { signal, over };
    await over;
    return taken;
  }

  heap({ durationMs, isAll }: HeapOptions, signal: AbortSignal): Promise<readonly ThreadHeap[]> {
    return this.#heapTurns.run(() => {
      signal.throwIfAborted();
      if (this.#recordedHeap !== undefined) return recordedSoFar(this.#recordedHeap, isAll);
      return ThreadSession.with(async (targets) => {
        await Promise.all(targets.map((target) => startHeap(target, isAll)));
        await sleep(durationMs, undefined, { signal }).catch(noop);
        const parts = await Promise.all(targets.map((target) => stopHeap(target)));
        signal.throwIfAborted();
        return parts.filter((part) => part !== undefined);
      });
    });
  }

  async recordHeap(signal: AbortSignal): Promise<readonly ThreadHeap[]> {
    const threads = new ThreadSession((target) => startHeap(target, false));
    await this.#heapTurns.run(async () => {
      await threads.open();
      this.#recordedHeap = threads;
    });
    if (!signal.aborted) await once(signal, 'abort');
    return this.#heapTurns.run(async () => {
      try {
        return await threads.each(stopHeap);
      } finally {
        this.#recordedHeap = undefined;
        threads.close();
      }
    });
  }

  threads(signal: AbortSignal): Promise<readonly string[]> {
    return ThreadSession.with((targets) => {
      signal.throwIfAborted();
      return Promise.resolve(targets.map(({ name }) => name));
    });
  }

  waiting(): readonly string[] {
    return process.getActiveResourcesInfo();
  }
}

function noop(): void {
  // What failed is told to who asked for it.
}

async function sampleCpu(
  targets: readonly ThreadTarget[],
  durationMs: number,
  signal: AbortSignal,
): Promise<readonly ThreadCpu[]> {
  signal.throwIfAborted();
  await Promise.all(targets.map((target) => startCpu(target)));
  await sleep(durationMs, undefined, { signal }).catch(noop);
  const parts = await Promise.all(targets.map((target) => stopCpu(target)));
  signal.throwIfAborted();
  return parts.filter((part) => part !== undefined);
}

function samplingOf(isAll: boolean): object {
  const samplingInterval = heapIntervalBytes;
  if (!isAll) return { samplingInterval };
  return {
    samplingInterval,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  };
}

function startHeap({ post }: ThreadTarget, isAll: boolean): Promise<unknown> {
  return post('HeapProfiler.startSampling', samplingOf(isAll));
}

function stopHeap(target: ThreadTarget): Promise<ThreadHeap | undefined> {
  return readHeap(target, 'HeapProfiler.stopSampling');
}

function recordedSoFar(threads: ThreadSession, isAll: boolean): Promise<readonly ThreadHeap[]> {
  if (isAll) throw new DbError('conflict', 'Could not enable memory profiling: memory profiling already in use'); // prettier-ignore
  return threads.each((target) => readHeap(target, 'HeapProfiler.getSamplingProfile'));
}

async function readHeap(
  { name, post }: ThreadTarget,
  method: string,
): Promise<ThreadHeap | undefined> {
  const read = (await post(method)) as
    { readonly profile: { readonly head: HeapNode } } | undefined;
  return read === undefined ? undefined : { thread: name, head: read.profile.head };
}

async function startCpu({ post }: ThreadTarget): Promise<void> {
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: intervalUs });
  await post('Profiler.start');
}

async function stopCpu({ name, post }: ThreadTarget): Promise<ThreadCpu | undefined> {
  const stopped = (await post('Profiler.stop')) as { profile: CpuProfile } | undefined;
  if (stopped === undefined) return undefined;
  const { nodes, samples = [], timeDeltas = [] } = stopped.profile;
  return { thread: name, nodes, samples, timeDeltas };
}
