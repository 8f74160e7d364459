import { errorText } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';

/** A stop that takes longer is ended (spec F116). */
export const hardStopMs = 30_000;

export interface ShutdownPorts {
  readonly clock: Clock;
  readonly log: Log;
  readonly exit: (code: number) => void;
}

/** How a daemon ends: once, in order; at once when asked again or when it takes too long (spec F116). */
export class Shutdown {
  readonly #ports: ShutdownPorts;
  readonly #closers: (() => void | Promise<void>)[] = [];
  #isStopping = false;

  constructor(ports: ShutdownPorts) {
    this.#ports = ports;
  }

  /** What has to be closed, the last one first. */
  onStop(close: () => void | Promise<void>): void {
    this.#closers.push(close);
  }

  begin(why: string, code: number): void {
    const { clock, log, exit } = this.#ports;
    if (this.#isStopping) {
      log.warn('Stopping at once', { why });
      exit(1);
      return;
    }
    this.#isStopping = true;
    log.info('Stopping', { why });
    clock.after(hardStopMs, () => {
      log.error('The stop took too long', { limit: `${hardStopMs / 1_000}s` });
      exit(1);
    });
    this.#close().then(
      () => {
        log.info('Stopped');
        exit(code);
      },
      (error: unknown) => {
        log.error('The stop failed', { error: errorText(error) });
        exit(1);
      },
    );
  }

  async #close(): Promise<void> {
    for (const close of this.#closers.toReversed()) await close();
  }
}
