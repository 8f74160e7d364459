import type { FastifyReply } from 'fastify';
import type { Clock } from '../../../env/clock.ts';

/** Whoever takes nothing for so long is left where what his query holds is wanted for others. */
export const shortIdleMs = 10_000;

export interface SlowReaderOptions {
  readonly idleMs: number;
  readonly timeoutMs: number;
  /** Queries hold most of the memory that they may. */
  readonly isMemoryShort: () => boolean;
}

/**
 * Closes the connection of a client that does not take its answer, so that the query behind it ends and gives back its place
 * and its memory: when nothing of what waits for it was taken for `idleMs`, or for `shortIdleMs` where memory is short, or when something
 * waits past the time that a query may take (`timeoutMs`, 0 for no limit). A query that has nothing to send yet is left alone.
 */
export function leaveSlowReader(
  response: FastifyReply['raw'],
  clock: Clock,
  { idleMs, timeoutMs, isMemoryShort }: SlowReaderOptions,
): void {
  const waitingBytes = (): number => response.writableLength;
  const end = (): void => {
    if (waitingBytes() > 0) response.destroy();
  };
  // What the system has taken of it: all that was written but for what still waits here.
  const takenBytes = (): number => {
    const { socket } = response;
    return socket === null ? 0 : socket.bytesWritten - waitingBytes();
  };
  const lookMs = Math.min(idleMs, shortIdleMs);
  const idleLooks = Math.ceil(idleMs / lookMs);
  let didWait = false;
  let before = 0;
  let looks = 0;
  const watch = clock.every(lookMs, () => {
    const taken = takenBytes();
    looks = didWait && taken === before ? looks + 1 : 0;
    if (looks >= idleLooks || (looks > 0 && isMemoryShort())) end();
    didWait = waitingBytes() > 0;
    before = taken;
  });
  const timer = timeoutMs === 0 ? undefined : clock.after(timeoutMs, end);
  response.once('close', () => {
    watch.cancel();
    timer?.cancel();
  });
}
