/**
 * What threads did one after the other, as trace events: JSON that ui.perfetto.dev and chrome://tracing open. Go's own format is
 * of goroutines and its scheduler, which are not here.
 */
import type { ThreadCpu } from '../../env/profiler.ts';

interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds since the trace began. */
  readonly ts?: number;
  readonly dur?: number;
  readonly args?: object;
}

export function traceEvents(threads: readonly ThreadCpu[]): string {
  return JSON.stringify({ traceEvents: threads.flatMap(eventsOf), displayTimeUnit: 'ms' });
}

/** One event for each stay in a function: samples that follow each other in the same place are one. */
function eventsOf({ thread, nodes, samples, timeDeltas }: ThreadCpu, index: number): TraceEvent[] {
  const tid = index + 1;
  const places = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
  const events: TraceEvent[] = [
    { name: 'thread_name', ph: 'M', pid: 1, tid, args: { name: thread } },
  ];
  let atUs = timeDeltas[0] ?? 0;
  for (let i = 0; i < samples.length;) {
    const startUs = atUs;
    const first = i;
    while (i < samples.length && samples[i] === samples[first]) atUs += timeDeltas[++i] ?? 0;
    const place = places.get(samples[first] ?? 0);
    if (place === undefined || place.functionName === '(idle)') continue;
    const { functionName, url, lineNumber } = place;
    const name = functionName === '' ? '(anonymous)' : functionName;
    const args = { url, line: lineNumber + 1 };
    events.push({ name, ph: 'X', pid: 1, tid, ts: startUs, dur: atUs - startUs, args });
  }
  return events;
}
