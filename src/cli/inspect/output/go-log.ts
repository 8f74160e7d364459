import type { InspectPorts } from '../inspect-ports.ts';

/** A line as Go's log package writes it to standard error: local time in front. */
export function logLine({ clock, err }: Pick<InspectPorts, 'clock' | 'err'>, text: string): void {
  const time = new Date(Number(clock.wallNs() / 1_000_000n));
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = [time.getFullYear(), time.getMonth() + 1, time.getDate()].map(two).join('/');
  const hour = [time.getHours(), time.getMinutes(), time.getSeconds()].map(two).join(':');
  err(`${day} ${hour} ${text}\n`);
}
