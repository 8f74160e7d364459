/** Processor time of a process by name of its threads, from /proc: where a budget a line comes from. */
import { readdirSync, readFileSync } from 'node:fs';

/** Seconds of user and kernel together, to the nanosecond; threads of one name are counted together. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const [ranNs = ''] = readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ');
    const own = Number(ranNs) / 1e9;
    const key = Number(task) === pid ? 'main' : name;
    seconds.set(key, (seconds.get(key) ?? 0) + own);
  }
  return seconds;
}

/** What a thread got of the processors, and what it asked for in vain. */
export interface ThreadTurns {
  readonly ranMs: number;
  /** Ready to run while no processor was free. */
  readonly waitedMs: number;
  readonly turnCount: number;
}

/** The same with how long threads of a name waited for a processor (proc(5), schedstat). */
export function threadTurns(pid: number): ReadonlyMap<string, ThreadTurns> {
  const turns = new Map<string, ThreadTurns>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const folder = `/proc/${pid}/task/${task}`;
    const name = Number(task) === pid ? 'main' : readFileSync(`${folder}/comm`, 'utf8').trim();
    const [ranNs = 0, waitedNs = 0, count = 0] = readFileSync(`${folder}/schedstat`, 'utf8').trim().split(' ').map(Number); // prettier-ignore
    const { ranMs = 0, waitedMs = 0, turnCount = 0 } = turns.get(name) ?? {};
    turns.set(name, {
      ranMs: ranMs + ranNs / 1e6,
      waitedMs: waitedMs + waitedNs / 1e6,
      turnCount: turnCount + count,
    });
  }
  return turns;
}
