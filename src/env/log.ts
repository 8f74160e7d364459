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

/** The log of a whole node, which knows where its lines go. */
export interface RootLog extends Log {
  /**
   * The same log for what is told of each request, of which there may be thousands a second: its lines come milliseconds
   * later, many at once (decision 142). A process that is killed has not written its last ones.
   */
  ofRequests(): RootLog;
  /** Writes a line that has a form of its own, whatever the level. Without its newline. */
  plain(line: string): void;
  /** Lines of the same form that go somewhere else, from level info on; `write` gets each with its newline. */
  into(write: (line: string) => void): Log;
}
