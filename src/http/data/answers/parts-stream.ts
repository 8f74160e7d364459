import { Readable } from 'node:stream';
import { keptBytes } from '../../../base/lent-bytes.ts';

/**
 * Parts as a stream, each made when the one before has left. Not `Readable.from` over a generator of those taken and the
 * others: the answers of a connection hung together by its promises then, until the whole heap was collected.
 */
export class PartsStream extends Readable {
  readonly #taken: Buffer[];
  readonly #parts: AsyncGenerator<Buffer>;

  constructor(taken: readonly Buffer[], parts: AsyncGenerator<Buffer>) {
    super({ highWaterMark: 1 });
    this.#taken = [...taken];
    this.#parts = parts;
  }

  override _read(): void {
    const taken = this.#taken.shift();
    if (taken !== undefined) {
      this.push(taken);
      return;
    }
    this.#parts.next().then(
      ({ done, value }) => this.push(done === true ? null : keptBytes(value)),
      (error: unknown) => this.destroy(error as Error),
    );
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#taken.length = 0;
    const end = (): void => {
      done(error);
    };
    this.#parts.return(undefined).then(end, end);
  }
}
