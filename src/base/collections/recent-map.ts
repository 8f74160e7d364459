/**
 * A map that forgets: past a number of entries, or past what they weigh together, those asked for longest ago go.
 *
 * - An entry that weighs more than all may is not kept.
 * - Entries stand in the order in which they were asked for, the last one last.
 */
interface Entry<Value> {
  readonly value: Value;
  readonly weight: number;
}

export interface RecentMapLimits {
  readonly countMax: number;
  /** Of all entries together, in whatever their weights are. */
  readonly weightMax: number;
}

export class RecentMap<Key, Value> {
  readonly #limits: RecentMapLimits;
  readonly #entries = new Map<Key, Entry<Value>>();
  #weight = 0;

  constructor(limits: RecentMapLimits) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#entries.size;
  }

  get weight(): number {
    return this.#weight;
  }

  /** An entry that is asked for is the last one to go. */
  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key);
    if (entry === undefined) return undefined;
    this.#entries.delete(key);
    this.#entries.set(key, entry);
    return entry.value;
  }

  set(key: Key, value: Value, weight: number): void {
    this.delete(key);
    const { countMax, weightMax } = this.#limits;
    if (weight > weightMax) return;
    this.#entries.set(key, { value, weight });
    this.#weight += weight;
    for (const oldest of this.#entries.keys()) {
      if (this.#entries.size <= countMax && this.#weight <= weightMax) return;
      this.delete(oldest);
    }
  }

  clear(): void {
    this.#entries.clear();
    this.#weight = 0;
  }

  /** Whether it was there. */
  delete(key: Key): boolean {
    this.#weight -= this.#entries.get(key)?.weight ?? 0;
    return this.#entries.delete(key);
  }
}
