/** Calls at an even pace, each timed from when it was due: a server that stalls is not spared those that it kept waiting. */
import { quantile } from './quantile.ts';

/** When it was to be made, by performance.now(), and how long after that it was answered. */
export interface TimedCall {
  readonly dueMs: number;
  readonly waitMs: number;
}

/** One call each `everyMs` until `until` is settled, over clients that take turns: where all are at work the next one waits. */
export async function pacedCalls<Client>(
  clients: readonly Client[],
  everyMs: number,
  until: Promise<unknown>,
  call: (client: Client, number: number) => Promise<unknown>,
): Promise<readonly TimedCall[]> {
  const idle = [...clients];
  const calls: TimedCall[] = [];
  const under = new Set<Promise<void>>();
  const end = { isReached: false };
  const over = until.finally(() => {
    end.isReached = true;
  });
  const startMs = performance.now();
  for (let sent = 0; !end.isReached; sent++) {
    const dueMs = startMs + sent * everyMs;
    const leftMs = dueMs - performance.now();
    if (leftMs > 0) await new Promise((wake) => setTimeout(wake, leftMs));
    while (idle.length === 0) await Promise.race(under);
    const client = idle.pop();
    if (client === undefined) continue;
    const one = call(client, sent).then(() => {
      calls.push({ dueMs, waitMs: performance.now() - dueMs });
      idle.push(client);
      under.delete(one);
    });
    under.add(one);
  }
  await Promise.all(under);
  await over;
  return calls;
}

/** How long calls waited, for people. */
export function waitsText(calls: readonly TimedCall[]): string {
  const all = calls.map(({ waitMs }) => waitMs);
  const at = (share: number): string => quantile(all, share).toFixed(1);
  return `p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}, most ${at(1)} ms of ${all.length}`;
}
