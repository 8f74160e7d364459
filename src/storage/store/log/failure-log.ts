/** Says what failed without saying it for each of thousands of shards: of one kind a line a second, with how many it leaves out. */
import type { Clock } from '../../../env/clock.ts';
import { errorText } from '../../../base/errors.ts';
import type { Log } from '../../../env/log.ts';

const quietMs = 1_000;

interface Said {
  readonly atMs: number;
  /** Since then. */
  leftOut: number;
}

export class FailureLog {
  readonly #ports: { readonly clock: Pick<Clock, 'monotonicMs'>; readonly log: Pick<Log, 'error'> };
  /** By kind: as many as there are kinds of tasks. */
  readonly #said = new Map<string, Said>();

  constructor(ports: {
    readonly clock: Pick<Clock, 'monotonicMs'>;
    readonly log: Pick<Log, 'error'>;
  }) {
    // prettier-ignore
    this.#ports = ports;
  }

  failed(name: string, error: unknown): void {
    const { clock, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    const said = this.#said.get(name);
    if (said !== undefined && nowMs - said.atMs < quietMs) {
      said.leftOut++;
      return;
    }
    const others = said !== undefined && said.leftOut > 0 ? { leftOut: said.leftOut } : {};
    log.error('A task of the store failed', { name, error: errorText(error), ...others });
    this.#said.set(name, { atMs: nowMs, leftOut: 0 });
  }
}
