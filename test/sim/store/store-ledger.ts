/**
 * What was said to a shard, and what counts of it: what was acknowledged does, and what was cut off, or failed, does as a whole or not at
 * all, which the next look at all that it holds tells.
 */
import { differenceOf, wantedOf, type Held, type Said, type ValueText } from './store-model.ts';

export class StoreLedger {
  /** What counts, in the order of numbers. */
  #said: readonly Said[] = [];
  /** What was begun and did not come to its end. */
  readonly #open = new Set<Said>();
  readonly #valueText: ValueText | undefined;

  constructor(valueText?: ValueText) {
    this.#valueText = valueText;
  }

  get isAnyOpen(): boolean {
    return this.#open.size > 0;
  }

  async during(said: Said, work: () => Promise<unknown>): Promise<void> {
    this.#open.add(said);
    await work();
    this.#open.delete(said);
    this.#said = inOrder([...this.#said, said]);
  }

  /** With nothing under way but what may have failed. */
  check(held: Held): void {
    if (this.isAnyOpen) {
      this.#takenOf(held);
      return;
    }
    const difference = this.#differenceOf(held, this.#said);
    if (difference !== '') throw new Error(difference);
  }

  /** After a start, or once the rest was done: which of what was cut off counts is known from now on. */
  judge(held: Held): void {
    this.#said = this.#takenOf(held);
    this.#open.clear();
  }

  /** The shard has gone, and is to be one without points. */
  forget(): void {
    this.#said = [];
    this.#open.clear();
  }

  /** What counts, as far as is seen: of what was cut off, each is there or not. */
  #takenOf(held: Held): readonly Said[] {
    const cutOff = [...this.#open];
    for (let bits = 0; bits < 2 ** cutOff.length; bits++) {
      const taken = cutOff.filter((_, i) => (bits >> i) % 2 === 1);
      const said = inOrder([...this.#said, ...taken]);
      if (this.#differenceOf(held, said) === '') return said;
    }
    if (cutOff.length === 0) throw new Error(`after a start: ${this.#differenceOf(held, this.#said)}`); // prettier-ignore
    const named = cutOff.map(({ kind, number }) => `${kind} ${number}`).join(', ');
    const all = inOrder([...this.#said, ...cutOff]);
    throw new Error(`after a crash that cut off ${named}: ${this.#differenceOf(held, this.#said)}; or ${this.#differenceOf(held, all)}`); // prettier-ignore
  }

  #differenceOf(held: Held, said: readonly Said[]): string {
    return differenceOf(held, wantedOf(said, this.#valueText));
  }
}

function inOrder(said: readonly Said[]): readonly Said[] {
  return [...said].sort((a, b) => a.number - b.number);
}
