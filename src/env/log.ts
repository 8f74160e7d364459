/** Structured log lines (spec F113). Values that are secrets never reach a field. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export type LogFields = Readonly<Record<string, string | number | bigint | boolean | undefined>>;

export interface Log {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A log whose lines carry `service=name`. */
  child(service: string): Log;
  /** Changes the level of this log and all its relatives (SIGHUP). */
  setLevel(level: LogLevel): void;
}
