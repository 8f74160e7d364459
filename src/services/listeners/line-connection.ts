import type { ConnectionReader, InboundConnection } from '../../env/inbound.ts';
import { MiB } from '../../base/units.ts';
import { LineSplitter, type LineReader } from './line-splitter.ts';

/** Bytes of lines of one listener that have not ended, all its connections together. */
export interface HeldLines {
  bytes: number;
}

/** A line may be as long as a key may be, and no longer: no point is in a longer one. */
const lineBytesMax = 65_536;
/** Of HeldLines: whoever goes beyond it is closed. */
const heldBytesMax = 64 * MiB;

/** A connection that brings lines until it ends. What it has sent of the last one is no line. */
export class LineConnection implements ConnectionReader {
  readonly #connection: InboundConnection;
  readonly #held: HeldLines;
  readonly #splitter: LineSplitter;
  #heldBytes = 0;

  constructor(connection: InboundConnection, held: HeldLines, reader: LineReader) {
    this.#connection = connection;
    this.#held = held;
    this.#splitter = new LineSplitter(reader, { lineBytesMax });
  }

  took(bytes: Uint8Array): void {
    this.#splitter.push(bytes);
    this.#hold(this.#splitter.heldBytes);
    if (this.#held.bytes > heldBytesMax) this.#connection.destroy();
  }

  ended(): void {
    this.#connection.destroy();
  }

  closed(): void {
    this.#hold(0);
  }

  #hold(heldBytes: number): void {
    this.#held.bytes += heldBytes - this.#heldBytes;
    this.#heldBytes = heldBytes;
  }
}
