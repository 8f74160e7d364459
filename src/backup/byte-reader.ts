import { DbError } from '../base/errors.ts';

/** Reads a stream of pieces by lengths that are not the pieces'. */
export class ByteReader {
  readonly #pieces: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);
  /** Of what `next` has given out and nobody has read. */
  #openBytes = 0;

  constructor(pieces: AsyncIterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.asyncIterator]();
  }

  /** Exactly so many bytes. Throws `corrupt` when there are fewer. */
  async take(lengthBytes: number): Promise<Uint8Array> {
    const whole = new Uint8Array(lengthBytes);
    let at = 0;
    while (at < lengthBytes) {
      const piece = await this.#piece(lengthBytes - at);
      whole.set(piece, at);
      at += piece.length;
    }
    return whole;
  }

  /** The next bytes as pieces; `finish` passes over those that were not read. */
  next(lengthBytes: number): AsyncIterable<Uint8Array> {
    this.#openBytes = lengthBytes;
    return { [Symbol.asyncIterator]: () => this.#open() };
  }

  async *#open(): AsyncGenerator<Uint8Array> {
    while (this.#openBytes > 0) {
      const piece = await this.#piece(this.#openBytes);
      this.#openBytes -= piece.length;
      yield piece;
    }
  }

  async finish(): Promise<void> {
    const left = this.#openBytes;
    this.#openBytes = 0;
    await this.skip(left);
  }

  async skip(lengthBytes: number): Promise<void> {
    for (let left = lengthBytes; left > 0;) left -= (await this.#piece(left)).length;
  }

  /** Passes over all that is left. */
  async drain(): Promise<void> {
    this.#rest = new Uint8Array(0);
    while ((await this.#pieces.next()).done !== true);
  }

  async close(): Promise<void> {
    await this.#pieces.return?.();
  }

  async #piece(lengthBytesMax: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#pieces.next();
      if (next.done === true) throw new DbError('corrupt', 'archive: it is cut short');
      this.#rest = next.value;
    }
    const piece = this.#rest.subarray(0, lengthBytesMax);
    this.#rest = this.#rest.subarray(piece.length);
    return piece;
  }
}
