/** What the log says of meta nodes that do not take what this node asks for: clients hear no more than `meta service unavailable` of most of it. */
import { errorText, isDbError, type DbErrorCode } from '../../base/errors.ts';
import type { Clock } from '../../env/clock.ts';
import type { Log } from '../../env/log.ts';

const pauseMs = 60_000;
/** What does not pass by itself. */
const texts: Readonly<Partial<Record<DbErrorCode, string>>> = {
  unauthenticated: 'A meta node refuses this node: their clocks differ, or their shared secrets',
  catalog_forgotten: 'The meta nodes know less than this node, and decide nothing',
};

export class RefusalLog {
  readonly #ports: { readonly clock: Clock; readonly log: Log };
  #toldMs = -Infinity;

  constructor(ports: { readonly clock: Clock; readonly log: Log }) {
    this.#ports = ports;
  }

  /** A warning once a minute of what stays; that one does not answer passes. */
  note(address: string, error: unknown): void {
    const { clock, log } = this.#ports;
    const fields = { address, error: errorText(error) };
    log.debug('A meta node did not take a request', fields);
    const text = isDbError(error) ? texts[error.code] : undefined;
    const nowMs = clock.monotonicMs();
    if (text === undefined || nowMs - this.#toldMs < pauseMs) return;
    this.#toldMs = nowMs;
    log.warn(text, fields);
  }
}
