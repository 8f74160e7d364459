import type { ServerHttp2Stream } from 'node:http2';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { SharedBuffers } from '../../base/shared-buffers.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { Garbage } from './garbage.ts';
import { MessageReader } from './length-prefixed.ts';

export interface RequestLimits {
  readonly clock: Clock;
  readonly lengthBytesMax: number;
  readonly budget: ByteBudget;
  readonly garbage: Garbage;
  /** Where a request may be put that is nobody's once it is answered. */
  readonly buffers?: SharedBuffers | undefined;
}

/** A request that has been read; `release` once nothing holds on to its bytes. */
export interface ReadRequest {
  readonly message: Uint8Array;
  readonly release: () => void;
}

/** From the moment there is memory for it, or the wait for its first bytes: a megabyte a second is slow enough. */
const readMs = 60_000;

/**
 * Reads the one message of a request, once there is memory for the length that it announces. Rejects with `too_large`,
 * `unsupported`, `invalid_argument` for what is no single message, `timeout`, `cancelled` when the caller has gone.
 */
export function readRequest(
  stream: ServerHttp2Stream,
  { clock, lengthBytesMax, budget, garbage, buffers }: RequestLimits,
): Promise<ReadRequest> {
  return new Promise((resolve, reject) => {
    const reader = new MessageReader(lengthBytesMax);
    let giveBack: (() => void) | undefined;
    let lent: Uint8Array | undefined;
    let isGranted = false;
    const release = (): void => {
      giveBack?.();
      if (lent !== undefined) buffers?.giveBack(lent);
    };
    const settle = (): void => {
      timer.cancel();
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    const fail = (error: DbError): void => {
      settle();
      release();
      reject(error);
    };
    const startTimer = () =>
      clock.after(readMs, () => {
        fail(new DbError('timeout', 'the request did not come in time'));
      });
    let timer = startTimer();
    const reserve = (): void => {
      giveBack = budget.reserve(reader.announcedBytes, () => {
        isGranted = true;
        // One that has come whole is not waited for.
        if (!reader.hasMessage) {
          timer.cancel();
          timer = startTimer();
        }
        lent = buffers?.lend(reader.announcedBytes);
        if (lent !== undefined) reader.gatherIn(lent.subarray(0, reader.announcedBytes));
        if (stream.isPaused()) stream.resume();
      });
      if (isGranted) return;
      timer.cancel();
      stream.pause();
    };
    const onData = (part: Buffer): void => {
      garbage.passed(part.length);
      try {
        reader.push(part);
        if (reader.heldBytes > reader.announcedBytes && reader.announcedBytes > 0)
          throw new DbError('invalid_argument', 'a request is one message');
        if (giveBack === undefined && reader.announcedBytes > 0) reserve();
      } catch (error) {
        fail(isDbError(error) ? error : new DbError('internal', errorText(error)));
      }
    };
    const onEnd = (): void => {
      const message = reader.take();
      if (message === undefined || reader.heldBytes > 0) {
        fail(new DbError('invalid_argument', 'a request is one message'));
        return;
      }
      settle();
      resolve({ message, release });
    };
    const onClose = (): void => {
      fail(new DbError('cancelled', 'the caller is gone'));
    };
    stream.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
