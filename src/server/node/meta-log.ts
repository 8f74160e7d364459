import type { Log } from '../../env/log.ts';

/** The log of what has to do with metas: with `[meta] logging-enabled` off errors alone are in it. */
export function metaLog(log: Log, isEnabled: boolean): Log {
  return isEnabled ? log : new ErrorLog(log);
}

class ErrorLog implements Log {
  readonly #log: Log;

  constructor(log: Log) {
    this.#log = log;
  }

  debug(): void {
    // Not wanted.
  }

  info(): void {
    // Not wanted.
  }

  warn(): void {
    // Not wanted.
  }

  error(...line: Parameters<Log['error']>): void {
    this.#log.error(...line);
  }

  child(service: string): Log {
    return new ErrorLog(this.#log.child(service));
  }

  setLevel(...level: Parameters<Log['setLevel']>): void {
    this.#log.setLevel(...level);
  }
}
