/**
 * What a daemon has in hand, in place of Go's list of goroutines: its threads, each where it was found, the requests that
 * are not answered yet, and what the main thread waits for.
 */
import { isDbError } from '../../base/errors.ts';
import type { Profiler } from '../../env/profiler.ts';
import type { PendingRequests } from './pending-requests.ts';
import { lastStacks, type StackSample } from './pprof.ts';

/** Long enough for every thread to be found somewhere. */
const threadsMs = 50;

export interface GoroutinePorts {
  readonly profiler: Profiler;
  readonly pending: Pick<PendingRequests, 'list'>;
}

/** Threads are left out while another profile is taken of them. */
export async function goroutineSamples(
  { profiler, pending }: GoroutinePorts,
  signal: AbortSignal,
): Promise<readonly StackSample[]> {
  const threads = await profiler.cpu(threadsMs, signal).catch((error: unknown) => {
    if (isDbError(error, 'conflict')) return [];
    throw error;
  });
  const counts = new Map<string, number>();
  for (const name of profiler.waiting()) counts.set(name, (counts.get(name) ?? 0) + 1);
  const waiting = [...counts].map(([name, count]) => sampleOf(`waiting for ${name}`, count));
  const requests = pending.list().map(({ name, count }) => sampleOf(`request ${name}`, count));
  return [...lastStacks(threads), ...requests, ...waiting];
}

function sampleOf(functionName: string, count: number): StackSample {
  return { frames: [{ functionName, url: '', lineNumber: 0 }], values: [count] };
}
