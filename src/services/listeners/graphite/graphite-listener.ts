/** `[[graphite]]`: lines of Graphite's plain text protocol by TCP or UDP (spec F127). */
import { formatRfc3339 } from '../../../base/rfc3339.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Inbound } from '../../../env/inbound.ts';
import type { Log } from '../../../env/log.ts';
import type { DiagnosticTable, Statistic } from '../../../telemetry/statistics.ts';
import { BadInputLog } from '../bad-input-log.ts';
import { Connections } from '../connections.ts';
import { Datagrams } from '../datagrams.ts';
import { LineConnection, type HeldLines } from '../line-connection.ts';
import type { Listener } from '../listener.ts';
import type { PointBatcher } from '../point-batcher.ts';
import { GraphiteParser, noNumber, spaceAt, type GraphiteParserSettings } from './graphite-parser.ts'; // prettier-ignore

export interface GraphiteListenerPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly inbound: Inbound;
  readonly batcher: PointBatcher;
}

export interface GraphiteListenerOptions extends GraphiteParserSettings {
  readonly bind: string;
  readonly network: 'tcp' | 'udp';
  /** `udp-read-buffer`. */
  readonly bufferBytes: number;
}

const newline = 10;

export class GraphiteListener implements Listener {
  readonly #ports: GraphiteListenerPorts;
  readonly #options: GraphiteListenerOptions;
  readonly #parser: GraphiteParser;
  readonly #badLines: BadInputLog;
  readonly #held: HeldLines = { bytes: 0 };
  #source: Connections | Datagrams | undefined;
  #pointsRx = 0;
  #bytesRx = 0;
  #pointsParseFail = 0;
  #pointsNaNFail = 0;

  private constructor(ports: GraphiteListenerPorts, options: GraphiteListenerOptions) {
    this.#ports = ports;
    this.#options = options;
    const { clock, batcher } = ports;
    this.#parser = new GraphiteParser({ lines: batcher.lines, nowNs: () => clock.wallNs() }, options); // prettier-ignore
    this.#badLines = new BadInputLog(ports);
  }

  static async open(
    ports: GraphiteListenerPorts,
    options: GraphiteListenerOptions,
  ): Promise<GraphiteListener> {
    const listener = new GraphiteListener(ports, options);
    const source = await listener.#open();
    listener.#source = source;
    ports.log.info('Listening', { protocol: options.network, addr: source.address });
    return listener;
  }

  statistics(): readonly Statistic[] {
    const { bind, network } = this.#options;
    const source = this.#source;
    const isTcp = source instanceof Connections;
    const values = {
      pointsRx: this.#pointsRx,
      bytesRx: this.#bytesRx,
      pointsParseFail: this.#pointsParseFail,
      pointsNaNFail: this.#pointsNaNFail,
      ...this.#ports.batcher.counts(),
      connsActive: isTcp ? source.activeCount : 0,
      connsHandled: isTcp ? source.handledCount : 0,
      ...(source instanceof Datagrams && { datagramsDropped: source.counts().datagramsDropped }),
    };
    return [{ name: 'graphite', tags: { proto: network, bind }, values }];
  }

  diagnostics(): readonly DiagnosticTable[] {
    const { bind, network } = this.#options;
    const open = this.#source instanceof Connections ? this.#source.list() : [];
    const rows = open.map(({ connection, sinceNs }) => [
      connection.local,
      connection.remote,
      formatRfc3339(sinceNs),
    ]);
    const columns = ['local', 'remote', 'connect time'];
    return [{ name: `graphite:${network}:${bind}`, columns, rows }];
  }

  async close(): Promise<void> {
    await this.#source?.close();
    await this.#ports.batcher.close();
  }

  #open(): Promise<Connections | Datagrams> {
    const { bind, network, bufferBytes } = this.#options;
    if (network === 'udp') return Datagrams.open(this.#ports, { bind, bufferBytes }, this.#datagram.bind(this)); // prettier-ignore
    return Connections.open(
      this.#ports,
      { bind },
      (connection) =>
        new LineConnection(connection, this.#held, {
          line: (bytes, start, end) => {
            this.#pointsRx++;
            this.#bytesRx += end - start + 1;
            if (!isBlank(bytes, start, end)) this.#line(bytes, start, end);
          },
          tooLong: (bytes) => {
            this.#pointsRx++;
            this.#bytesRx += bytes.length;
            this.#fail(bytes, `a line of more than ${bytes.length} bytes`);
          },
        }),
    );
  }

  /** Each line counts as a point, also an empty one. */
  #datagram(bytes: Uint8Array): void {
    this.#bytesRx += bytes.length;
    for (let start = 0; start <= bytes.length;) {
      const found = bytes.indexOf(newline, start);
      const end = found < 0 ? bytes.length : found;
      this.#pointsRx++;
      if (end > start) this.#line(bytes, start, end);
      start = end + 1;
    }
  }

  #line(bytes: Uint8Array, start: number, end: number): void {
    const error = this.#parser.parse(bytes, start, end);
    if (error === undefined) this.#ports.batcher.added();
    else if (error === noNumber) this.#pointsNaNFail++;
    else this.#fail(bytes.subarray(start, end), error);
  }

  #fail(line: Uint8Array, error: string): void {
    this.#pointsParseFail++;
    this.#badLines.tell('Unable to parse line', () => {
      const text = Buffer.from(line.buffer, line.byteOffset, line.length).toString('utf8');
      return { line: text.trim(), error };
    });
  }
}

function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  for (let space = spaceAt(bytes, at, end); space > 0; space = spaceAt(bytes, at, end)) at += space;
  return at === end;
}
