/**
 * A file for lines of a log: of requests, or of queries (spec F63, F114).
 *
 * Invariants:
 * - Whoever writes a line never waits: lines wait in memory for the disk, up to a bound, and are dropped and counted beyond it.
 * - A disk that takes no lines, or a folder that has gone, is told of once, and tried again after a while, from where it
 *   stopped: no line is there twice. What was lost is told of when lines can be written again.
 * - A file that was renamed is written to until reopen() (SIGHUP), as the reference does, or until a new one is at its
 *   path; one that was cut short is written to at its new end.
 */
import { Buffer } from 'node:buffer';
import { errorText } from '../../base/errors.ts';
import { MiB, secondMs } from '../../base/units.ts';
import type { Clock, Timer } from '../../env/clock.ts';
import type { Disk, DiskFile } from '../../env/disk.ts';
import type { Log } from '../../env/log.ts';

export interface LogFilePorts {
  readonly clock: Pick<Clock, 'after'>;
  readonly disk: Pick<Disk, 'open' | 'size'>;
  /** Hears of what goes wrong with the file. */
  readonly log: Pick<Log, 'error' | 'warn'>;
}

/** What waits for the disk. */
const waitingBytesMax = MiB;
const retryMs = secondMs;

export class LogFile {
  readonly path: string;
  readonly #ports: LogFilePorts;
  #file: DiskFile | undefined;
  #waiting: string[] = [];
  #waitingBytes = 0;
  /** Where the first line that waits begins, once a part of what waits may be there. */
  #beganAt: number | undefined;
  #lostCount = 0;
  #isFailing = false;
  /** Another file may be at its path. */
  #isStale = false;
  #writing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #isClosed = false;

  private constructor(ports: LogFilePorts, path: string, file: DiskFile) {
    this.#ports = ports;
    this.path = path;
    this.#file = file;
  }

  /** Throws what Disk.open() throws. */
  static async open(ports: LogFilePorts, path: string): Promise<LogFile> {
    return new LogFile(ports, path, await ports.disk.open(path, 'append'));
  }

  /** Takes one line with its newline. */
  write(line: string): void {
    // Nearly all of it is ASCII.
    const bytes = line.length;
    // A statement may be longer than the bound: it is no reason to lose its line where nothing waits.
    const isOver = this.#waitingBytes > 0 && this.#waitingBytes + bytes > waitingBytesMax;
    if (this.#isClosed || isOver) {
      this.#lostCount++;
      return;
    }
    this.#waiting.push(line);
    this.#waitingBytes += bytes;
    this.#go();
  }

  /** From the next line on they go to what is at its path then. */
  reopen(): void {
    this.#isStale = true;
    this.#retry?.cancel();
    this.#retry = undefined;
    this.#go();
  }

  /** Once all that can be written is. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#retry?.cancel();
    await this.#writing;
    await this.#file?.close().catch(() => undefined);
    this.#file = undefined;
  }

  #go(): void {
    if (this.#writing !== undefined || this.#retry !== undefined) return;
    this.#writing = this.#writeAll().finally(() => {
      this.#writing = undefined;
      if (this.#isFailing && !this.#isClosed) this.#tryLater();
      else if (this.#isFailing || this.#waiting.length === 0) return;
      else this.#go();
    });
  }

  #tryLater(): void {
    this.#retry = this.#ports.clock.after(retryMs, () => {
      this.#retry = undefined;
      this.#go();
    });
  }

  /** Never rejects. */
  async #writeAll(): Promise<void> {
    try {
      await this.#openAnew();
      while (this.#waiting.length > 0) {
        const lines = this.#waiting;
        await this.#append(lines);
        this.#tellOfLost();
      }
    } catch (error) {
      await this.#failed(error);
    }
  }

  /** Lines stay where they are until they are written. */
  async #append(lines: readonly string[]): Promise<void> {
    const file = await this.#ofItsSize();
    const count = lines.length;
    const text = lines.join('');
    const bytes = Buffer.from(text, 'utf8');
    const doneBytes = await this.#doneOf(bytes, file);
    this.#beganAt = file.lengthBytes - doneBytes;
    if (doneBytes < bytes.length) await file.append([bytes.subarray(doneBytes)]);
    this.#beganAt = undefined;
    this.#waiting = this.#waiting.slice(count);
    this.#waitingBytes -= text.length;
  }

  /** How much of what waits an append that failed has left at the end of the file. */
  async #doneOf(bytes: Buffer, file: DiskFile): Promise<number> {
    const doneBytes = file.lengthBytes - (this.#beganAt ?? file.lengthBytes);
    if (doneBytes <= 0 || doneBytes > bytes.length) return 0;
    const found = Buffer.alloc(doneBytes);
    const readBytes = await file.readAt(file.lengthBytes - doneBytes, found);
    // Another file may be at the path by now.
    return readBytes === doneBytes && found.equals(bytes.subarray(0, doneBytes)) ? doneBytes : 0;
  }

  async #openAnew(): Promise<void> {
    if (!this.#isStale && this.#file !== undefined) return;
    const before = this.#file;
    this.#isStale = false;
    this.#file = await this.#ports.disk.open(this.path, 'append');
    await before?.close();
  }

  /** Somebody may have cut it short: its lines would stand behind a hole. */
  async #ofItsSize(): Promise<DiskFile> {
    const { path } = this;
    const file = this.#file ?? (await this.#ports.disk.open(path, 'append'));
    this.#file = file;
    const sizeBytes = await this.#ports.disk.size(path);
    if (sizeBytes === undefined || sizeBytes >= file.lengthBytes) return file;
    const cut = await this.#ports.disk.open(path, 'append');
    this.#file = cut;
    await file.close();
    return cut;
  }

  #tellOfLost(): void {
    this.#isFailing = false;
    if (this.#lostCount === 0) return;
    const { path } = this;
    this.#ports.log.warn('Log lines could not be written', { path, count: this.#lostCount });
    this.#lostCount = 0;
  }

  /** What is on the disk behind the last line is unknown: it is opened anew. */
  async #failed(error: unknown): Promise<void> {
    const file = this.#file;
    this.#file = undefined;
    if (!this.#isFailing)
      this.#ports.log.error('A log file cannot be written', { path: this.path, error: errorText(error) }); // prettier-ignore
    this.#isFailing = true;
    await file?.close().catch(() => undefined);
  }
}
