/**
 * Points that clients write over and over. An owner takes writes one after the other, so what it holds at the end is of
 * a write that no later one, which it acknowledged, came after: a register per owner and point.
 */
interface Call {
  readonly value: string;
  readonly start: number;
  /** When it was answered, failed, or its process died; Infinity while it runs. */
  end: number;
  isDurable: boolean;
}

/** Rows of this measurement are registers, and no part's. */
export const registerMeasurement = 'o';

export class LastWrites {
  readonly #calls = new Map<string, Map<string, Call[]>>();
  #now = 0;

  /** An owner was handed `value` for `key`; the caller tells what became of it. */
  begin(node: string, key: string, value: string): { durable(): void; failed(): void } {
    const call: Call = { value, start: ++this.#now, end: Infinity, isDurable: false };
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    this.#calls.set(node, ofNode);
    ofNode.set(key, [...(ofNode.get(key) ?? []), call]);
    const settle = (isDurable: boolean): void => {
      call.isDurable = isDurable;
      call.end = ++this.#now;
    };
    return {
      durable: () => {
        settle(true);
      },
      failed: () => {
        settle(false);
      },
    };
  }

  /** The process died: what it was at either got into its log by now, or never will. */
  crash(node: string): void {
    this.#now++;
    for (const calls of this.#calls.get(node)?.values() ?? [])
      for (const call of calls) call.end = Math.min(call.end, this.#now);
  }

  /** `held` maps keys to the values that the node has. */
  check(node: string, held: ReadonlyMap<string, string>): void {
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    for (const key of held.keys())
      if (!ofNode.has(key)) throw new Error(`${node} has a register nobody wrote: ${key}`);
    for (const [key, calls] of ofNode) {
      const value = held.get(key);
      const allowed = calls.filter(
        (one) => !calls.some((later) => later.isDurable && one.end < later.start),
      );
      if (value === undefined) {
        const lost = calls.find(({ isDurable }) => isDurable);
        if (lost !== undefined) throw new Error(`${node} has lost ${key}, which was ${lost.value}`);
      } else if (!allowed.some((one) => one.value === value)) {
        const wanted = allowed.map((one) => one.value).join(' or ');
        throw new Error(`${node} has ${value} at ${key}, written over by ${wanted}`);
      }
    }
  }
}
