import { Session } from 'node:inspector';
import { setTimeout as sleep } from 'node:timers/promises';
import { Mutex } from '../../base/async/mutex.ts';
import { DbError } from '../../base/errors.ts';
import type { CpuNode, HeapNode, HeapOptions, Profiler, ThreadCpu, ThreadHeap } from '../profiler.ts'; // prettier-ignore

interface CpuProfile {
  readonly nodes: readonly CpuNode[];
  readonly samples?: readonly number[];
  readonly timeDeltas?: readonly number[];
}

interface Target {
  readonly name: string;
  readonly post: (method: string, parameters?: object) => Promise<unknown>;
}

/** Microseconds between two samples: a hundred a second, as Go's. */
const intervalUs = 10_000;
/** Bytes of memory given out between two samples. */
const heapIntervalBytes = 32 * 1024;
/** What busy workers get to be found in. */
const attachMs = 200;
/** Of a worker that does not answer since it is busy: its part is left out then. */
const workerAnswerMs = 5_000;

/** V8's own profilers; workers are reached through the main thread's session. */
export class NodeProfiler implements Profiler {
  /** The CPU profile that is being taken: whose it is, and what resolves once it is over. */
  #cpu: { readonly signal: AbortSignal; readonly over: Promise<unknown> } | undefined;
  readonly #heapTurns = new Mutex();

  async cpu(durationMs: number, signal: AbortSignal): Promise<readonly ThreadCpu[]> {
    // One that nobody waits for any more is ending.
    while (this.#cpu?.signal.aborted === true) await this.#cpu.over;
    if (this.#cpu !== undefined)
      throw new DbError('conflict', 'Could not enable CPU profiling: cpu profiling already in use');
    const taken = withThreads((targets) => sampleCpu(targets, durationMs, signal));
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
      return withThreads(async (targets) => {
        await Promise.all(targets.map(({ post }) => post('HeapProfiler.startSampling', samplingOf(isAll)))); // prettier-ignore
        await sleep(durationMs, undefined, { signal }).catch(noop);
        const parts = await Promise.all(targets.map((target) => stopHeap(target)));
        signal.throwIfAborted();
        return parts.filter((part) => part !== undefined);
      });
    });
  }

  threads(signal: AbortSignal): Promise<readonly string[]> {
    return withThreads((targets) => {
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
  targets: readonly Target[],
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

async function stopHeap({ name, post }: Target): Promise<ThreadHeap | undefined> {
  const stopped = (await post('HeapProfiler.stopSampling')) as
    { readonly profile: { readonly head: HeapNode } } | undefined;
  return stopped === undefined ? undefined : { thread: name, head: stopped.profile.head };
}

/** Works with every thread of this process. */
async function withThreads<T>(work: (targets: readonly Target[]) => Promise<T>): Promise<T> {
  const session = new Session();
  try {
    session.connect();
    return await work([mainTarget(session), ...(await workerTargets(session))]);
  } finally {
    session.disconnect();
  }
}

function mainTarget(session: Session): Target {
  return { name: 'main', post: (method, parameters) => posted(session, method, parameters) };
}

function posted(session: Session, method: string, parameters: object = {}): Promise<unknown> {
  return new Promise((resolve, reject) => {
    session.post(method, parameters, (error, result) => {
      if (error === null) resolve(result);
      else reject(new DbError('internal', `${method}: ${error.message}`));
    });
  });
}

/** Every worker of this process: its messages travel as texts. */
async function workerTargets(session: Session): Promise<readonly Target[]> {
  const targets: Target[] = [];
  const waiting = new Map<string, (result: unknown) => void>();
  session.on(
    'NodeWorker.attachedToWorker',
    ({ params }: { params: { sessionId: string; workerInfo: { workerId: string } } }) => {
      // prettier-ignore
      const { sessionId, workerInfo } = params;
      let lastId = 0;
      const post = async (method: string, parameters: object = {}): Promise<unknown> => {
        const id = ++lastId;
        const answered = new Promise((resolve) => waiting.set(`${sessionId} ${id}`, resolve));
        const message = JSON.stringify({ id, method, params: parameters });
        await posted(session, 'NodeWorker.sendMessageToWorker', { sessionId, message });
        return Promise.race([answered, sleep(workerAnswerMs, undefined, { ref: false })]);
      };
      targets.push({ name: `worker ${workerInfo.workerId}`, post });
    },
  );
  session.on(
    'NodeWorker.receivedMessageFromWorker',
    ({ params }: { params: { sessionId: string; message: string } }) => {
      // prettier-ignore
      const { id, result } = JSON.parse(params.message) as { id?: number; result?: unknown };
      const key = `${params.sessionId} ${id}`;
      waiting.get(key)?.(result);
      waiting.delete(key);
    },
  );
  await posted(session, 'NodeWorker.enable', { waitForDebuggerOnStart: false });
  // Workers tell of themselves when they come to it; how many there are nobody says.
  await sleep(attachMs);
  return targets;
}

async function startCpu({ post }: Target): Promise<void> {
  await post('Profiler.enable');
  await post('Profiler.setSamplingInterval', { interval: intervalUs });
  await post('Profiler.start');
}

async function stopCpu({ name, post }: Target): Promise<ThreadCpu | undefined> {
  const stopped = (await post('Profiler.stop')) as { profile: CpuProfile } | undefined;
  if (stopped === undefined) return undefined;
  const { nodes, samples = [], timeDeltas = [] } = stopped.profile;
  return { thread: name, nodes, samples, timeDeltas };
}
