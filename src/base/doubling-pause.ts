/** How long what has failed rests before it is tried again: twice as long each time, up to a limit, until it succeeds. */
export class DoublingPause {
  readonly #firstMs: number;
  readonly #mostMs: number;
  #untilMs = Number.NEGATIVE_INFINITY;
  #lengthMs = 0;

  constructor({ firstMs, mostMs }: { readonly firstMs: number; readonly mostMs: number }) {
    this.#firstMs = firstMs;
    this.#mostMs = mostMs;
  }

  lasts(nowMs: number): boolean {
    return nowMs < this.#untilMs;
  }

  failed(nowMs: number): void {
    this.#lengthMs = Math.min(this.#lengthMs === 0 ? this.#firstMs : this.#lengthMs * 2, this.#mostMs); // prettier-ignore
    this.#untilMs = nowMs + this.#lengthMs;
  }

  succeeded(): void {
    this.#untilMs = Number.NEGATIVE_INFINITY;
    this.#lengthMs = 0;
  }
}
