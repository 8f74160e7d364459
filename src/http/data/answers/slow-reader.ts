import type { FastifyReply } from 'fastify';
import type { Clock } from '../../../env/clock.ts';

/**
 * Closes the connection of a client that does not take its answer, so that the query behind it ends and gives back its place
 * and its memory: when nothing of what waits for it was taken for `idleMs`, or when something waits past the time that a query
 * may take (`timeoutMs`, 0 for no limit). A query that has nothing to send yet is left alone.
 */
export function leaveSlowReader(
  response: FastifyReply['raw'],
  clock: Clock,
  { idleMs, timeoutMs }: { readonly idleMs: number; readonly timeoutMs: number },
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
  let didWait = false;
  let before = 0;
  const watch = clock.every(idleMs, () => {
    const taken = takenBytes();
    if (didWait && taken === before) end();
    didWait = waitingBytes() > 0;
    before = taken;
  });
  const timer = timeoutMs === 0 ? undefined : clock.after(timeoutMs, end);
  response.once('close', () => {
    watch.cancel();
    timer?.cancel();
  });
}
