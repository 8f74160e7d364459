/**
 * Points that clients write over and over, through all nodes. Whatever order the writes reach an owner in, it holds at the
 * end the value with the latest stamp of all that it acknowledged: a register per owner and point. So owners that
 * acknowledged the same writes are equal.
 */
import type { Stamp } from '../../../src/models/stamp.ts';

interface Call {
  readonly value: string;
  readonly stamp: Stamp;
  /** It may have been taken or not while it is not known to be. */
  isDurable: boolean;
}

/** Rows of this measurement are registers, and no part's. */
export const registerMeasurement = 'o';

export class LastWrites {
  readonly #calls = new Map<string, Map<string, Call[]>>();

  /** An owner was handed `value` for `key`; the caller tells when it was acknowledged. */
  begin(
    node: string,
    key: string,
    written: { readonly value: string; readonly stamp: Stamp },
  ): { durable(): void } {
    // prettier-ignore
    const call: Call = { ...written, isDurable: false };
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    this.#calls.set(node, ofNode);
    ofNode.set(key, [...(ofNode.get(key) ?? []), call]);
    return {
      durable: () => {
        call.isDurable = true;
      },
    };
  }

  /** `held` maps keys to the values that the node has. */
  check(node: string, held: ReadonlyMap<string, string>): void {
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    for (const key of held.keys())
      if (!ofNode.has(key)) throw new Error(`${node} has a register nobody wrote: ${key}`);
    for (const [key, calls] of ofNode) {
      const value = held.get(key);
      const latest = calls.reduce((last, { isDurable, stamp }) => (isDurable && stamp > last ? stamp : last), -1n); // prettier-ignore
      const allowed = calls.filter(({ stamp }) => stamp >= latest);
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
