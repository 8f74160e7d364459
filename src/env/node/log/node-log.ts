import type { Clock } from '../../clock.ts';
import type { Log, LogFields, LogLevel } from '../../log.ts';
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
  readonly write?: (line: string) => void;
}

/** What a log and its relatives share. */
interface Root {
  readonly clock: Clock;
  /** Rank of the level, in shared memory: engine threads see a change at once. */
  readonly level: Int32Array;
  readonly emit: (lvl: LogLevel, message: string, fields: LogFields) => void;
}

/** Log lines of spec F113. Lines of a process that dies are not lost: writes are synchronous (stderr-sink.ts). */
export class NodeLog implements Log {
  readonly #root: Root;
  readonly #bound: LogFields;

  private constructor(root: Root, bound: LogFields) {
    this.#root = root;
    this.#bound = bound;
  }

  static create(options: NodeLogOptions): NodeLog {
    const level = new Int32Array(new SharedArrayBuffer(4));
    level[0] = logLevels.indexOf(options.level);
    const root = { clock: options.clock, level, emit: createEmit(options) };
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
    return new NodeLog(this.#root, { ...this.#bound, service });
  }

  setLevel(level: LogLevel): void {
    Atomics.store(this.#root.level, 0, logLevels.indexOf(level));
  }

  /** For lines that come from another thread, already named by level. */
  write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (logLevels.indexOf(level) < Atomics.load(this.#root.level, 0)) return;
    this.#root.emit(level, message, { ...this.#bound, ...fields });
  }
}

function createEmit(options: NodeLogOptions): Root['emit'] {
  const { clock, format } = options;
  const lineOf = (lvl: LogLevel, msg: string, fields: LogFields): string => {
    const ts = formatLogTime(clock.wallNs());
    return format === 'json'
      ? `${JSON.stringify({ lvl, ts, msg, ...jsonFields(fields) })}\n`
      : `${formatLine(format, { ts, lvl, msg, fields })}\n`;
  };
  const destination = options.write === undefined ? stderrSink(lineOf) : { write: options.write };
  return (lvl, msg, fields) => {
    destination.write(lineOf(lvl, msg, fields));
  };
}

const retryMs = 100;

function stderrSink(lineOf: (lvl: LogLevel, msg: string, fields: LogFields) => string): StderrSink {
  return new StderrSink({
    write: stderrWriter(),
    lostLine: (count, why) =>
      lineOf('warn', 'Log lines could not be written', { count, error: why }),
    later: (run) => {
      setTimeout(run, retryMs).unref();
    },
  });
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
