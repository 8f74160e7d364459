import { fraction, type Random } from '../../../src/env/random.ts';
import type { Loop } from './loop.ts';

export interface NetworkRates {
  /** Message delay in ms, uniform between the two. */
  readonly delayMinMs: number;
  readonly delayMaxMs: number;
  /** Share of messages that vanish. */
  readonly loss: number;
  /** Share of requests that reach the handler twice. */
  readonly duplicate: number;
  /** Share of messages held back by up to `reorderMs`, so that later ones overtake them. */
  readonly reorder: number;
  readonly reorderMs: number;
}

const calmRates: NetworkRates = {
  delayMinMs: 0.1,
  delayMaxMs: 1,
  loss: 0,
  duplicate: 0,
  reorder: 0,
  reorderMs: 50,
};

export type Fate =
  { readonly kind: 'lost' | 'blocked' } | { readonly kind: 'deliver'; readonly delayMs: number };

/** The cables between machines. */
export class SimNetwork {
  readonly #loop: Loop;
  readonly random: Random;
  readonly #blocked = new Set<string>();
  readonly #clogged = new Map<string, number>();
  rates: NetworkRates = calmRates;
  #changeCount = 0;

  constructor(loop: Loop) {
    this.#loop = loop;
    this.random = loop.random.fork('network');
  }

  /** Grows whenever something is broken or mended: between two equal counts the cables stayed as they are. */
  get changeCount(): number {
    return this.#changeCount;
  }

  setRates(rates: Partial<NetworkRates>): void {
    this.#changeCount++;
    this.rates = { ...this.rates, ...rates };
  }

  /** Cuts every pair across the two sides; with `oneWay` only what goes from `left` to `right`. */
  partition(
    left: readonly string[],
    right: readonly string[],
    options: { readonly oneWay?: boolean } = {},
  ): void {
    this.#changeCount++;
    this.#loop.note(
      `partition ${left.join(',')} ${options.oneWay === true ? '>' : '|'} ${right.join(',')}`,
    );
    for (const from of left) {
      for (const to of right) {
        this.#blocked.add(link(from, to));
        if (options.oneWay !== true) this.#blocked.add(link(to, from));
      }
    }
  }

  /** Adds `extraMs` to each message from `from` to `to`. */
  clog(from: string, to: string, extraMs: number): void {
    this.#changeCount++;
    this.#loop.note(`clog ${from} > ${to} ${extraMs}`);
    this.#clogged.set(link(from, to), extraMs);
  }

  /** Ends partitions and clogs; rates stay. */
  heal(): void {
    this.#changeCount++;
    this.#loop.note('heal');
    this.#blocked.clear();
    this.#clogged.clear();
  }

  isBlocked(from: string, to: string): boolean {
    return this.#blocked.has(link(from, to));
  }

  /** What happens to one message. A machine reaches itself always, at once. */
  fate(from: string, to: string): Fate {
    if (from === to) return { kind: 'deliver', delayMs: 0.02 * fraction(this.random) };
    if (this.isBlocked(from, to)) {
      this.#loop.strike(this.isBlocked(to, from) ? 'partition' : 'one_way', link(from, to));
      return { kind: 'blocked' };
    }
    const { rates, random } = this;
    if (chance(random, rates.loss)) {
      this.#loop.strike('loss', link(from, to));
      return { kind: 'lost' };
    }
    let delayMs = rates.delayMinMs + fraction(random) * (rates.delayMaxMs - rates.delayMinMs);
    const extraMs = this.#clogged.get(link(from, to));
    if (extraMs !== undefined) {
      this.#loop.strike('delay', link(from, to));
      delayMs += extraMs;
    }
    if (chance(random, rates.reorder)) {
      this.#loop.strike('reorder', link(from, to));
      delayMs += fraction(random) * rates.reorderMs;
    }
    return { kind: 'deliver', delayMs };
  }

  /** Whether this request is delivered twice. */
  duplicates(from: string, to: string): boolean {
    if (from === to || !chance(this.random, this.rates.duplicate)) return false;
    this.#loop.strike('duplicate', link(from, to));
    return true;
  }
}

/** Draws only for faults that are on, so that switching one on shifts nothing but itself. */
export function chance(random: Random, rate: number): boolean {
  return rate > 0 && fraction(random) < rate;
}

function link(from: string, to: string): string {
  return `${from}>${to}`;
}
