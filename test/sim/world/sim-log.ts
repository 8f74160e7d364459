import type { Log, LogFields, LogLevel } from '../../../src/env/log.ts';
import type { Life, Loop } from './loop.ts';

const ranks: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

/** Lines go to the world's trace. */
export class SimLog implements Log {
  readonly #loop: Loop;
  readonly #life: Life;
  readonly #shared: { level: LogLevel };
  readonly #service: string;

  constructor(
    loop: Loop,
    life: Life,
    shared: { level: LogLevel } = { level: 'info' },
    service = '',
  ) {
    this.#loop = loop;
    this.#life = life;
    this.#shared = shared;
    this.#service = service;
  }

  debug(message: string, fields?: LogFields): void {
    this.#write('debug', message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#write('info', message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#write('warn', message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#write('error', message, fields);
  }

  child(service: string): Log {
    return new SimLog(this.#loop, this.#life, this.#shared, service);
  }

  setLevel(level: LogLevel): void {
    this.#shared.level = level;
  }

  #write(level: LogLevel, message: string, fields: LogFields = {}): void {
    if (ranks[level] < ranks[this.#shared.level]) return;
    const rest = Object.entries(fields).flatMap(([key, value]) =>
      value === undefined ? [] : [` ${key}=${String(value)}`],
    );
    const { node, generation } = this.#life;
    this.#loop.note(
      `log ${node}/${generation} ${level} ${this.#service} ${message}${rest.join('')}`,
    );
  }
}
