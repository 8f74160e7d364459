import { stringifyWellFormed } from '../../../base/well-formed-json.ts';
import type { Clock } from '../../clock.ts';
import type { LogFields, LogLevel, RootLog } from '../../log.ts';
import { StderrSink, stderrWriter } from './stderr-sink.ts';
import { formatLogTime } from '../../../base/rfc3339.ts';
import { formatLine, type LogFormat, logLevels } from './log-format.ts';

export interface NodeLogOptions {
  readonly clock: Clock;
  readonly format: LogFormat;
  readonly level: LogLevel;
  /** The `log_id` of every line: one per process start. */
  readonly logId?: string;
  /** Takes one line with its newline; standard error when left out, as the reference. */
  readonly write?: WriteLine;
}

/** A line that `mayWait` is in no hurry. */
type WriteLine = (line: string, mayWait: boolean) => void;

/** What a log and its relatives share. */
interface Root {
  readonly clock: Clock;
  /** Rank of the level, in shared memory: engine threads see a change at once. */
  readonly level: Int32Array;
  readonly lineOf: LineOf;
  readonly write: WriteLine;
}

type LineOf = (lvl: LogLevel, message: string, fields: LogFields) => string;

/** Log lines of spec F113. Lines of a process that dies are not lost, but for those of requests: writes are synchronous (stderr-sink.ts). */
export class NodeLog implements RootLog {
  readonly #root: Root;
  readonly #bound: LogFields;
  readonly #mayWait: boolean;

  private constructor(root: Root, bound: LogFields, mayWait = false) {
    this.#root = root;
    this.#bound = bound;
    this.#mayWait = mayWait;
  }

  static create(options: NodeLogOptions): NodeLog {
    const level = new Int32Array(new SharedArrayBuffer(4));
    level[0] = logLevels.indexOf(options.level);
    const lineOf = createLineOf(options);
    const { clock, write = stderrWrite(lineOf) } = options;
    const root = { clock, level, lineOf, write };
    return new NodeLog(root, options.logId === undefined ? {} : { log_id: options.logId });
  }

  /** Shared with the threads of the engine host. */
  get levelCell(): Int32Array {
    return this.#root.level;
  }

  debug(message: string, fields?: LogFields): void {
    this.write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.write('error', message, fields);
  }

  child(service: string): NodeLog {
    return new NodeLog(this.#root, { ...this.#bound, service }, this.#mayWait);
  }

  ofRequests(): NodeLog {
    return new NodeLog(this.#root, this.#bound, true);
  }

  setLevel(level: LogLevel): void {
    Atomics.store(this.#root.level, 0, logLevels.indexOf(level));
  }

  plain(line: string): void {
    this.#root.write(`${line}\n`, this.#mayWait);
  }

  into(write: (line: string) => void): NodeLog {
    const level = Int32Array.of(logLevels.indexOf('info'));
    return new NodeLog({ ...this.#root, level, write }, this.#bound);
  }

  /** For lines that come from another thread, already named by level. */
  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < Atomics.load(this.#root.level, 0)) return;
    this.#root.write(
      this.#root.lineOf(level, message, { ...this.#bound, ...fields }),
      this.#mayWait,
    );
  }
}

function createLineOf({ clock, format }: NodeLogOptions): LineOf {
  return (lvl, msg, fields) => {
    const ts = formatLogTime(clock.wallNs());
    return format === 'json'
      ? `${stringifyWellFormed({ lvl, ts, msg, ...jsonFields(fields) })}\n`
      : `${formatLine(format, { ts, lvl, msg, fields })}\n`;
  };
}

const retryMs = 100;
/** Of lines that may wait: long enough for those of many requests, too short for whoever reads along. */
const waitMs = 2;

/** What waits in them is written before the process ends by itself. */
const sinks = new Set<StderrSink>();

function stderrWrite(lineOf: LineOf): WriteLine {
  const sink = new StderrSink({
    write: stderrWriter(),
    lostLine: (count, why) =>
      lineOf('warn', 'Log lines could not be written', { count, error: why }),
    later: (run) => {
      setTimeout(run, retryMs).unref();
    },
    soon: (run) => {
      setTimeout(run, waitMs).unref();
    },
  });
  if (sinks.size === 0) process.on('exit', () => { for (const one of sinks) one.flush(); }); // prettier-ignore
  sinks.add(sink);
  return (line, mayWait) => {
    if (mayWait) sink.writeSoon(line);
    else sink.write(line);
  };
}

/** JSON has no 64-bit integers: they go as text rather than rounded. */
function jsonFields(fields: LogFields): Record<string, string | number | boolean | undefined> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, value]) => [
      key,
      typeof value === 'bigint' ? String(value) : value,
    ]),
  );
}
