import type { ServerHttp2Stream } from 'node:http2';
import type { SharedBuffers } from '../../base/shared-buffers.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { ByteBudget } from '../../base/async/byte-budget.ts';
import type { Garbage } from './garbage.ts';
import { MessageReader } from './length-prefixed.ts';

export interface RequestLimits {
  readonly clock: Clock;
  readonly lengthBytesMax: number;
  readonly budget: ByteBudget;
  /** Where a request may be put that is nobody's once it is answered. */
  readonly buffers?: SharedBuffers | undefined;
}

/** A request that has been read; `release` once nothing holds on to its bytes. */
export interface ReadRequest {
  readonly message: Uint8Array;
  readonly release: () => void;
}

/** Whoever gives the parts of a request. */
export interface RequestSource {
  pause(): void;
  resume(): void;
  /** There is memory for so many bytes that are still to come. */
  expect?(lengthBytes: number): void;
}

/** From the moment there is memory for it, or the wait for its first bytes: a megabyte a second is slow enough. */
const readMs = 60_000;

/**
 * The one message of a request, once there is memory for the length that it announces. Rejects with `too_large`,
 * `unsupported`, `invalid_argument` for what is no single message, `timeout`, `cancelled` when the caller has gone.
 */
export class RequestReading {
  readonly #limits: RequestLimits;
  readonly #source: RequestSource;
  readonly #reader: MessageReader;
  readonly #done: (request: ReadRequest) => void;
  readonly #failed: (error: DbError) => void;
  #timer: Timer;
  #giveBack: (() => void) | undefined;
  #lent: Uint8Array | undefined;
  #isGranted = false;
  #isSettled = false;

  constructor(
    source: RequestSource,
    limits: RequestLimits,
    ends: { readonly done: (request: ReadRequest) => void; readonly failed: (error: DbError) => void }, // prettier-ignore
  ) {
    this.#source = source;
    this.#limits = limits;
    this.#reader = new MessageReader(limits.lengthBytesMax);
    this.#done = ends.done;
    this.#failed = ends.failed;
    this.#timer = this.#startTimer();
  }

  push(part: Buffer): void {
    if (this.#isSettled) return;
    const reader = this.#reader;
    try {
      reader.push(part);
      if (reader.heldBytes > reader.announcedBytes && reader.announcedBytes > 0)
        throw new DbError('invalid_argument', 'a request is one message');
      if (this.#giveBack === undefined && reader.announcedBytes > 0) this.#reserve();
    } catch (error) {
      this.fail(isDbError(error) ? error : new DbError('internal', errorText(error)));
    }
  }

  /** Nothing comes behind what was pushed. */
  end(): void {
    if (this.#isSettled) return;
    let message: Uint8Array | undefined;
    try {
      message = this.#reader.take();
    } catch (error) {
      this.fail(isDbError(error) ? error : new DbError('internal', errorText(error)));
      return;
    }
    if (message === undefined || this.#reader.heldBytes > 0) {
      this.fail(new DbError('invalid_argument', 'a request is one message'));
      return;
    }
    this.#settle();
    this.#done({ message, release: () => this.#release() }); // prettier-ignore
  }

  /** Lets it go; false where it has been read, or has failed, already. */
  drop(): boolean {
    if (this.#isSettled) return false;
    this.#settle();
    this.#release();
    return true;
  }

  fail(error: DbError): void {
    if (this.#isSettled) return;
    this.#settle();
    this.#release();
    this.#failed(error);
  }

  #reserve(): void {
    const { budget, buffers } = this.#limits;
    const reader = this.#reader;
    this.#giveBack = budget.reserve(reader.announcedBytes, () => {
      const waited = this.#giveBack !== undefined;
      this.#isGranted = true;
      // One that has come whole is not waited for.
      if (!reader.hasMessage) {
        this.#timer.cancel();
        this.#timer = this.#startTimer();
      }
      this.#lent = buffers?.lend(reader.announcedBytes);
      if (this.#lent !== undefined) reader.gatherIn(this.#lent.subarray(0, reader.announcedBytes));
      this.#source.expect?.(reader.announcedBytes - reader.heldBytes);
      if (waited) this.#source.resume();
    });
    if (this.#isGranted) return;
    this.#timer.cancel();
    this.#source.pause();
  }

  #startTimer(): Timer {
    return this.#limits.clock.after(readMs, () => {
      this.fail(new DbError('timeout', 'the request did not come in time'));
    });
  }

  #settle(): void {
    this.#isSettled = true;
    this.#timer.cancel();
  }

  #release(): void {
    this.#giveBack?.();
    if (this.#lent !== undefined) this.#limits.buffers?.giveBack(this.#lent);
  }
}

/** Reads it of a stream of Node's. */
export function readRequest(
  stream: ServerHttp2Stream,
  { garbage, ...limits }: RequestLimits & { readonly garbage: Garbage },
): Promise<ReadRequest> {
  return new Promise((resolve, reject) => {
    const settle = (): void => {
      stream.off('data', onData).off('end', onEnd).off('close', onClose);
    };
    const reading = new RequestReading(stream, limits, {
      done: (request) => {
        settle();
        resolve(request);
      },
      failed: (error) => {
        settle();
        reject(error);
      },
    });
    const onData = (part: Buffer): void => {
      garbage.passed(part.length);
      reading.push(part);
    };
    const onEnd = (): void => {
      reading.end();
    };
    const onClose = (): void => {
      reading.fail(new DbError('cancelled', 'the caller is gone'));
    };
    stream.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
