import { DbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';

/** What `work` resolves with. Rejects with `timeout` when that takes longer: whoever writes may have to wait for a disk. */
export function inTime<T>(clock: Clock, timeoutMs: number, work: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(timeoutMs, () => {
      reject(new DbError('timeout', 'timeout'));
    });
    const settle =
      <V>(by: (value: V) => void) =>
      (value: V) => {
        timer.cancel();
        by(value);
      };
    work.then(settle(resolve), settle(reject));
  });
}
