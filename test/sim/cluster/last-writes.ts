/**
 * Points that clients write over and over, through all nodes. Whatever order the writes reach an owner in, it holds at the
 * end the value with the latest stamp of all that it acknowledged: a register per owner and point. So owners that
 * acknowledged the same writes are equal. A delete is one more call: of an earlier stamp than a value it does nothing, of a
 * later one the register is empty, whichever of the two came first.
 */
import type { Stamp } from '../../../src/models/stamp.ts';
import { windowMeasurements } from './window-queries.ts';

interface Call {
  readonly value: string;
  readonly stamp: Stamp;
  /** It may have been taken or not while it is not known to be. */
  isDurable: boolean;
}

interface Delete {
  readonly stamp: Stamp;
  readonly minTimeNs: bigint;
  readonly maxTimeNs: bigint;
  readonly shardIds: ReadonlySet<number>;
  readonly isMeant: (key: string) => boolean;
  isDurable: boolean;
}

/** Rows of this measurement are registers, and no part's. */
export const registerMeasurement = 'o';
/** The field of registers, by measurement: windows of continuous queries are written over by whoever computes them again. */
export const registerFields: ReadonlyMap<string, string> = new Map([
  [registerMeasurement, 'v'],
  ...windowMeasurements.map((name) => [name, 'n'] as const),
]);

export class LastWrites {
  readonly #calls = new Map<string, Map<string, Call[]>>();
  readonly #deletes = new Map<string, Delete[]>();
  readonly #shardOf = new Map<string, number>();

  /** An owner was handed `value` for `key`; the caller tells when it was acknowledged. */
  begin(
    node: string,
    key: string,
    written: { readonly value: string; readonly stamp: Stamp; readonly shardId: number },
  ): { durable(): void } {
    // prettier-ignore
    const { value, stamp, shardId } = written;
    this.#shardOf.set(key, shardId);
    const call: Call = { value, stamp, isDurable: false };
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    this.#calls.set(node, ofNode);
    ofNode.set(key, [...(ofNode.get(key) ?? []), call]);
    return {
      durable: () => {
        call.isDurable = true;
      },
    };
  }

  /** An owner was told to delete registers of some shards; the caller tells when it was acknowledged. */
  beginDelete(node: string, said: Omit<Delete, 'isDurable'>): { durable(): void } {
    const one: Delete = { ...said, isDurable: false };
    this.#deletes.set(node, [...(this.#deletes.get(node) ?? []), one]);
    return {
      durable: () => {
        one.isDurable = true;
      },
    };
  }

  /** Of the first write of a register that any owner was handed. */
  firstStamp(key: string): Stamp | undefined {
    const stamps = [...this.#calls.values()].flatMap((ofNode) => (ofNode.get(key) ?? []).map(({ stamp }) => stamp)); // prettier-ignore
    return stamps.reduce<Stamp | undefined>((least, stamp) => (least === undefined || stamp < least ? stamp : least), undefined); // prettier-ignore
  }

  /** Nodes that have acknowledged a write of a register. */
  holdersOf(key: string): readonly string[] {
    return [...this.#calls].flatMap(([node, ofNode]) =>
      ofNode.get(key)?.some(({ isDurable }) => isDurable) === true ? [node] : [],
    );
  }

  /** Deletes that mean a register, of all nodes that were told of them. */
  deletesOf(key: string): readonly (Delete & { readonly node: string })[] {
    const shardId = this.#shardOf.get(key) ?? 0;
    return [...this.#deletes].flatMap(
      ([node, deletes]) =>
      deletes.filter((one) => one.shardIds.has(shardId) && one.isMeant(key)).map((one) => ({ ...one, node })), // prettier-ignore
    );
  }

  /** Of the shard that a register was written to; undefined for one that reached no owner. */
  shardOf(key: string): number | undefined {
    return this.#shardOf.get(key);
  }

  /** How often owners were told to delete something. */
  get deleteCount(): number {
    return [...this.#deletes.values()].reduce((sum, deletes) => sum + deletes.length, 0);
  }

  /** `held` maps keys to the values that the node has. */
  check(node: string, held: ReadonlyMap<string, string>): void {
    const ofNode = this.#calls.get(node) ?? new Map<string, Call[]>();
    for (const key of held.keys())
      if (!ofNode.has(key)) throw new Error(`${node} has a register nobody wrote: ${key}`);
    for (const [key, calls] of ofNode) {
      const value = held.get(key);
      const shardId = this.#shardOf.get(key) ?? 0;
      const deletes = (this.#deletes.get(node) ?? []).filter((one) => one.shardIds.has(shardId) && one.isMeant(key)); // prettier-ignore
      const latest = latestStamp([...calls, ...deletes].filter(({ isDurable }) => isDurable));
      const struck = latestStamp(deletes);
      const allowed = calls.filter(({ stamp }) => stamp >= latest);
      if (value === undefined) {
        const lost = calls.find(({ isDurable, stamp }) => isDurable && stamp > struck);
        if (lost !== undefined) throw new Error(`${node} has lost ${key}, which was ${lost.value}`);
      } else if (!allowed.some((one) => one.value === value)) {
        const wanted = allowed.map((one) => one.value).join(' or ') || 'a delete';
        throw new Error(`${node} has ${value} at ${key}, written over by ${wanted}`);
      }
    }
  }
}

function latestStamp(calls: readonly { readonly stamp: Stamp }[]): Stamp {
  return calls.reduce((last, { stamp }) => (stamp > last ? stamp : last), -1n);
}
