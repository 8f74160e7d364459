/**
 * Since when a meta node that leads has not heard of data nodes. One that is busy misses a question now and then: it is away only once
 * it has been silent for `awayMs`.
 */
import type { Clock } from '../../env/clock.ts';

/** Some looks of the plan keeper. */
const awayMs = 10_000;

export class SilentNodes {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #sinceMs = new Map<number, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** All nodes, and those that have answered. */
  note(nodeIds: readonly number[], heardIds: ReadonlySet<number>): void {
    const silent = new Set(nodeIds.filter((id) => !heardIds.has(id)));
    for (const id of this.#sinceMs.keys()) if (!silent.has(id)) this.#sinceMs.delete(id);
    for (const id of silent) if (!this.#sinceMs.has(id)) this.countAnew(id);
  }

  /** Who was silent as this node led the last time may have been heard by others since. */
  forget(): void {
    this.#sinceMs.clear();
  }

  countAnew(id: number): void {
    this.#sinceMs.set(id, this.#clock.monotonicMs());
  }

  /** Those that were silent for so long. */
  silentFor(durationMs: number): readonly number[] {
    const untilMs = this.#clock.monotonicMs() - durationMs;
    return [...this.#sinceMs].flatMap(([id, sinceMs]) => (sinceMs <= untilMs ? [id] : []));
  }

  isAway(id: number): boolean {
    return this.silentFor(awayMs).includes(id);
  }
}
