import { gzipSync } from 'node:zlib';
import type { DiskFile } from '../../env/disk.ts';

const pieceBytes = 1 << 20;

/**
 * Takes text of one character a byte and hands it on in large pieces. Packed, each piece is a gzip member: readers take them
 * for one stream.
 */
export class ExportSink {
  readonly #write: (piece: Uint8Array) => Promise<void>;
  readonly #isPacked: boolean;
  #parts: string[] = [];
  #waiting = 0;
  #hasWritten = false;

  constructor(write: (piece: Uint8Array) => Promise<void>, isPacked: boolean) {
    this.#write = write;
    this.#isPacked = isPacked;
  }

  static toFile(file: DiskFile, isPacked: boolean): ExportSink {
    return new ExportSink((piece) => file.append([piece]), isPacked);
  }

  async add(text: string): Promise<void> {
    this.#parts.push(text);
    this.#waiting += text.length;
    if (this.#waiting >= pieceBytes) await this.#flush();
  }

  async end(): Promise<void> {
    if (this.#waiting > 0 || (this.#isPacked && !this.#hasWritten)) await this.#flush();
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.from(this.#parts.join(''), 'latin1');
    this.#parts = [];
    this.#waiting = 0;
    this.#hasWritten = true;
    await this.#write(this.#isPacked ? gzipSync(bytes) : bytes);
  }
}
