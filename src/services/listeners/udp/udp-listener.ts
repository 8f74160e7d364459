/**
 * `[[udp]]`: datagrams of line protocol (spec F126). As the reference, a datagram that has a bad line is dropped as a whole and
 * counts as one failure; points without a time get the one at which their datagram came.
 */
import type { Log } from '../../../env/log.ts';
import { LineErrors } from '../../../models/line-errors.ts';
import { endOfLine, readLineAt } from '../../../models/line-protocol.ts';
import type { Statistic } from '../../../telemetry/statistics.ts';
import { BadInputLog } from '../bad-input-log.ts';
import { Datagrams, type DatagramsPorts } from '../datagrams.ts';
import type { Listener } from '../listener.ts';
import type { PointBatcher } from '../point-batcher.ts';

export interface UdpListenerPorts extends Omit<DatagramsPorts, 'batcher'> {
  readonly log: Log;
  readonly batcher: PointBatcher;
}

export interface UdpListenerOptions {
  readonly bind: string;
  /** `read-buffer`. */
  readonly bufferBytes: number;
  /** Of `precision`: nanoseconds of a step of the times. */
  readonly stepNs: bigint;
}

const newline = 10;
const encoder = new TextEncoder();

export class UdpListener implements Listener {
  readonly #ports: UdpListenerPorts;
  readonly #options: UdpListenerOptions;
  readonly #badInput: BadInputLog;
  #datagrams: Datagrams | undefined;
  #pointsRx = 0;
  #pointsParseFail = 0;

  private constructor(ports: UdpListenerPorts, options: UdpListenerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#badInput = new BadInputLog(ports);
  }

  static async open(ports: UdpListenerPorts, options: UdpListenerOptions): Promise<UdpListener> {
    const listener = new UdpListener(ports, options);
    listener.#datagrams = await Datagrams.open(ports, options, listener.#take.bind(listener));
    ports.log.info('Started listening on UDP', { addr: options.bind });
    return listener;
  }

  statistics(): readonly Statistic[] {
    const values = {
      pointsRx: this.#pointsRx,
      pointsParseFail: this.#pointsParseFail,
      ...this.#datagrams?.counts(),
      ...this.#ports.batcher.counts(),
    };
    return [{ name: 'udp', tags: { bind: this.#options.bind }, values }];
  }

  async close(): Promise<void> {
    await this.#datagrams?.close();
    await this.#ports.batcher.close();
    this.#ports.log.info('Service closed');
  }

  #take(bytes: Uint8Array): void {
    const { batcher, clock } = this.#ports;
    const lines = readLines(bytes, { stepNs: this.#options.stepNs, defaultTimeNs: clock.wallNs() });
    if (lines instanceof LineErrors) {
      this.#pointsParseFail++;
      this.#badInput.tell('Failed to parse points', () => ({ error: lines.text() }));
      return;
    }
    for (const { start, end, time } of lines) {
      batcher.lines.pushPart(bytes, start, end);
      batcher.lines.push(time);
      batcher.added();
    }
    this.#pointsRx += lines.length;
  }
}

interface Line {
  readonly start: number;
  readonly end: number;
  /** What ends it: a newline, and before it the time where there was none. */
  readonly time: Uint8Array;
}

const noTime = Uint8Array.of(newline);

/** The lines of points, or what is wrong with some. */
function readLines(
  bytes: Uint8Array,
  options: { readonly stepNs: bigint; readonly defaultTimeNs: bigint },
): readonly Line[] | LineErrors {
  const errors = new LineErrors();
  const lines: Line[] = [];
  for (let start = 0; start < bytes.length;) {
    const end = endOfLine(bytes, start);
    const read = readLineAt(bytes.subarray(start, end), options, errors);
    if (read !== undefined) {
      const fieldsEnd = read.fieldBytes.byteOffset - bytes.byteOffset + read.fieldBytes.length;
      const isTimed = hasMore(bytes, fieldsEnd, end);
      const time = isTimed ? noTime : encoder.encode(` ${read.timeNs / options.stepNs}\n`);
      lines.push({ start, end: isTimed ? end : fieldsEnd, time });
    }
    start = end + 1;
  }
  return errors.count > 0 ? errors : lines;
}

function hasMore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 32) return true;
  return false;
}
