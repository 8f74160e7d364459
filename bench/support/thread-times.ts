/** Processor time of a process by name of its threads, from /proc: where a budget a line comes from. */
import { readdirSync, readFileSync } from 'node:fs';

const ticksPerSecond = 100;

/** Seconds of user and kernel together; threads of one name are counted together. */
export function threadTimes(pid: number): ReadonlyMap<string, number> {
  const seconds = new Map<string, number>();
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    const stat = readFileSync(`/proc/${pid}/task/${task}/stat`, 'utf8');
    const name = stat.slice(stat.indexOf('(') + 1, stat.lastIndexOf(')'));
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const own = (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
    const key = Number(task) === pid ? 'main' : name;
    seconds.set(key, (seconds.get(key) ?? 0) + own);
  }
  return seconds;
}
