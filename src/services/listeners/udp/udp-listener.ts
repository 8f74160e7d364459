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
import { findPlainLine, type LineEnd } from './plain-line.ts';

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
/** Of a line: where it starts and ends in its datagram, and 1 where it has a time. */
const spanWords = 3;
const spansFirst = 64;

export class UdpListener implements Listener {
  readonly #ports: UdpListenerPorts;
  readonly #options: UdpListenerOptions;
  readonly #badInput: BadInputLog;
  #datagrams: Datagrams | undefined;
  #spans = new Int32Array(spansFirst * spanWords);
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
    const nowNs = clock.wallNs();
    const lines = this.#readLines(bytes, nowNs);
    if (lines instanceof LineErrors) {
      this.#pointsParseFail++;
      this.#badInput.tell('Failed to parse points', () => ({ error: lines.text() }));
      return;
    }
    const time = encoder.encode(` ${nowNs / this.#options.stepNs}\n`);
    const spans = this.#spans;
    for (let i = 0; i < lines * spanWords; i += spanWords) {
      batcher.lines.pushPart(bytes, spans[i] ?? 0, spans[i + 1] ?? 0);
      if (spans[i + 2] === 1) batcher.lines.u8(newline);
      else batcher.lines.push(time);
      batcher.added();
    }
    this.#pointsRx += lines;
  }

  /** How many lines of points there are, whose spans are noted; or what is wrong with some. */
  #readLines(bytes: Uint8Array, nowNs: bigint): number | LineErrors {
    const options = { stepNs: this.#options.stepNs, defaultTimeNs: nowNs };
    const stepNs = Number(options.stepNs);
    const found: LineEnd = { end: 0, isTimed: false };
    let errors: LineErrors | undefined;
    let count = 0;
    for (let start = 0; start < bytes.length; start = found.end + 1) {
      if (findPlainLine(bytes, start, stepNs, found)) {
        this.#note(count++, start, found.end, found.isTimed);
        continue;
      }
      found.end = endOfLine(bytes, start);
      errors ??= new LineErrors();
      const read = readLineAt(bytes.subarray(start, found.end), options, errors);
      if (read === undefined) continue;
      const fieldsEnd = read.fieldBytes.byteOffset - bytes.byteOffset + read.fieldBytes.length;
      const isTimed = hasMore(bytes, fieldsEnd, found.end);
      this.#note(count++, start, isTimed ? found.end : fieldsEnd, isTimed);
    }
    return errors !== undefined && errors.count > 0 ? errors : count;
  }

  #note(number: number, start: number, end: number, isTimed: boolean): void {
    const at = number * spanWords;
    if (at >= this.#spans.length) {
      const spans = new Int32Array(this.#spans.length * 2);
      spans.set(this.#spans);
      this.#spans = spans;
    }
    this.#spans[at] = start;
    this.#spans[at + 1] = end;
    this.#spans[at + 2] = isTimed ? 1 : 0;
  }
}

function hasMore(bytes: Uint8Array, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if ((bytes[at] ?? 0) > 32) return true;
  return false;
}
