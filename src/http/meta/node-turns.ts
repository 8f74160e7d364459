import { Mutex } from '../../base/async/mutex.ts';

/**
 * Requests that add, move or remove a data node take turns by its address. One that joins in the midst of its removal would take itself for
 * a member of which the cluster knows nothing: neither to be added nor to be removed.
 */
export class NodeTurns {
  readonly #turns = new Map<string, Mutex>();

  run<T>(addresses: readonly string[], work: () => Promise<T>): Promise<T> {
    const [first, ...others] = [...new Set(addresses.map((one) => one.toLowerCase()))].sort();
    // In one order for all: two that wait for each other would wait for good.
    return first === undefined ? work() : this.#runOne(first, () => this.run(others, work));
  }

  async #runOne<T>(address: string, work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.get(address) ?? new Mutex();
    this.#turns.set(address, turn);
    try {
      return await turn.run(work);
    } finally {
      if (turn.waiting === 0) this.#turns.delete(address);
    }
  }
}
