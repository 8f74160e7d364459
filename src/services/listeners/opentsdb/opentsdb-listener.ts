/**
 * `[[opentsdb]]`: one port for OpenTSDB's telnet and its HTTP (spec F129). A connection whose first line is a request line of HTTP
 * goes to the server of HTTP, with all that was read of it; all others are telnet.
 */
import { GrowingBytes } from '../../../base/growing-bytes.ts';
import { KiB } from '../../../base/units.ts';
import type { Clock } from '../../../env/clock.ts';
import type {
  ConnectionReader,
  HandedSocket,
  Inbound,
  InboundConnection,
} from '../../../env/inbound.ts';
import type { Log } from '../../../env/log.ts';
import type { SecureSockets } from '../../../env/secure-sockets.ts';
import { textOf } from '../../../models/line-bytes.ts';
import { Counters } from '../../../telemetry/counters.ts';
import type { Statistic } from '../../../telemetry/statistics.ts';
import { BadInputLog } from '../bad-input-log.ts';
import { Connections } from '../connections.ts';
import { LineSplitter, type LineReader } from '../line-splitter.ts';
import type { Listener } from '../listener.ts';
import type { PointBatcher } from '../point-batcher.ts';
import { readTelnetLine, telnetCounterNames } from './put-line.ts';

/** What answers those that speak HTTP. */
export interface PutServer {
  /** Points that could be none. */
  readonly droppedCount: number;
  serve(socket: HandedSocket): void;
  /** Answers what has come, and takes nothing more. */
  close(): Promise<void>;
}

export interface OpenTsdbListenerPorts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'wallNs'>;
  readonly inbound: Inbound;
  readonly log: Log;
  readonly batcher: PointBatcher;
  readonly http: PutServer;
  /** TLS below all of it; left out where the port speaks plainly. */
  readonly secureSockets?: SecureSockets | undefined;
}

export interface OpenTsdbListenerOptions {
  readonly bind: string;
  readonly logPointErrors: boolean;
}

/** The longest key that can be stored, twice: a tag that has to be escaped is no longer in a line than as it came. */
const lineBytesMax = 128 * KiB;
const newline = 10;
const carriageReturn = 13;
const version = new TextEncoder().encode('InfluxDB TSDB proxy');
/** As Go reads the first line of a request. */
const requestLine = /^[!#$%&'*+\-.^_`|~\w]+ [^ ]+ HTTP\/\d\.\d\r?$/;

const counterNames = ['httpConnsHandled', 'tlConnsHandled', 'tlPointsRx', 'tlBytesRx', 'tlReadErr', ...telnetCounterNames] as const; // prettier-ignore

export class OpenTsdbListener implements Listener {
  readonly #ports: OpenTsdbListenerPorts;
  readonly #options: OpenTsdbListenerOptions;
  readonly #bad: BadInputLog;
  readonly #counters = new Counters(counterNames);
  #connections: Connections | undefined;
  #telnetCount = 0;
  #isClosing = false;

  private constructor(ports: OpenTsdbListenerPorts, options: OpenTsdbListenerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#bad = new BadInputLog(ports);
  }

  /** Rejects with the reference's text. */
  static async open(
    ports: OpenTsdbListenerPorts,
    options: OpenTsdbListenerOptions,
  ): Promise<OpenTsdbListener> {
    const listener = new OpenTsdbListener(ports, options);
    ports.log.info('Starting OpenTSDB service');
    listener.#connections = await Connections.open(ports, options, (connection) =>
      listener.#read(connection),
    );
    const tls = ports.secureSockets !== undefined;
    ports.log.info('Listening on TCP', { addr: listener.#connections.address, tls });
    return listener;
  }

  statistics(): readonly Statistic[] {
    const values = {
      ...this.#counters.values(),
      tlConnsActive: this.#telnetCount,
      ...this.#ports.batcher.counts(),
      connsActive: this.#connections?.activeCount ?? 0,
      connsHandled: this.#connections?.handledCount ?? 0,
      droppedPointsInvalid:
        this.#counters.get('droppedPointsInvalid') + this.#ports.http.droppedCount,
    };
    return [{ name: 'opentsdb', tags: { bind: this.#options.bind }, values }];
  }

  async close(): Promise<void> {
    this.#isClosing = true;
    const { batcher, http, secureSockets } = this.#ports;
    await this.#connections?.close();
    secureSockets?.close();
    await http.close();
    await batcher.close();
  }

  #read(connection: InboundConnection): ConnectionReader {
    return new OpenTsdbConnection(connection, {
      lines: () => this.#telnetLines(connection),
      toHttp: (bytes) => {
        this.#counters.add('httpConnsHandled');
        this.#connections?.leave(connection);
        connection.handOver(bytes, (socket) => {
          this.#ports.http.serve(socket);
        });
      },
      ended: (isWhole) => {
        this.#telnetCount--;
        if (isWhole || this.#isClosing) return;
        this.#counters.add('tlReadErr');
        this.#bad.tell('Error reading from OpenTSDB connection', () => ({ remote_addr: connection.remote })); // prettier-ignore
      },
    });
  }

  /** Who reads the lines of a connection that speaks telnet. */
  #telnetLines(connection: InboundConnection): LineReader {
    const { batcher } = this.#ports;
    const { lines } = batcher;
    const count = (name: (typeof counterNames)[number]): void => {
      this.#counters.add(name);
    };
    const tell = (message: string, field: string, text: string): void => {
      if (this.#options.logPointErrors)
        this.#bad.tell(message, () => ({ [field]: text, remote_addr: connection.remote }));
    };
    this.#telnetCount++;
    count('tlConnsHandled');
    return {
      line: (bytes, start, end) => {
        const lineEnd = end > start && bytes[end - 1] === carriageReturn ? end - 1 : end;
        count('tlPointsRx');
        this.#counters.add('tlBytesRx', lineEnd - start);
        const read = readTelnetLine(bytes, { start, end: lineEnd }, { lines, count, tell });
        if (read === 'point') batcher.added();
        // Who asks and does not read the answers would have them pile up.
        if (read === 'version' && !connection.write(version)) connection.destroy();
      },
      tooLong: (bytes) => {
        count('tlPointsRx');
        this.#counters.add('tlBytesRx', bytes.length);
        count('tlBadLine');
        tell('Malformed line', 'line', textOf(bytes, 0, KiB));
      },
    };
  }
}

interface ConnectionParts {
  /** It speaks telnet. */
  lines(): LineReader;
  /** It speaks HTTP: these bytes have come. */
  toHttp(bytes: Uint8Array): void;
  /** It spoke telnet; not whole, when nobody had said that no more will come. */
  ended(isWhole: boolean): void;
}

class OpenTsdbConnection implements ConnectionReader {
  readonly #connection: InboundConnection;
  readonly #parts: ConnectionParts;
  /** While it is not known what it speaks. */
  #first: GrowingBytes | undefined = new GrowingBytes(256);
  #splitter: LineSplitter | undefined;
  #hasEnded = false;

  constructor(connection: InboundConnection, parts: ConnectionParts) {
    this.#connection = connection;
    this.#parts = parts;
  }

  took(bytes: Uint8Array): void {
    if (this.#splitter !== undefined) {
      this.#splitter.push(bytes);
      return;
    }
    const first = this.#first;
    if (first === undefined) return;
    const before = first.lengthBytes;
    first.push(bytes);
    const end = bytes.indexOf(newline);
    if (end < 0 && first.lengthBytes <= lineBytesMax) return;
    if (end >= 0 && requestLine.test(textOf(first.view(), 0, before + end))) {
      this.#first = undefined;
      this.#parts.toHttp(first.view().slice());
    } else this.#speakTelnet(first);
  }

  /** Its last line needs no newline. */
  ended(): void {
    if (this.#first !== undefined) this.#speakTelnet(this.#first);
    if (this.#splitter !== undefined && this.#splitter.heldBytes > 0)
      this.#splitter.push(Uint8Array.of(newline));
    this.#hasEnded = true;
    this.#connection.end();
  }

  closed(): void {
    if (this.#splitter !== undefined) this.#parts.ended(this.#hasEnded);
  }

  #speakTelnet(first: GrowingBytes): void {
    this.#first = undefined;
    this.#splitter = new LineSplitter(this.#parts.lines(), { lineBytesMax });
    this.#splitter.push(first.view());
  }
}
