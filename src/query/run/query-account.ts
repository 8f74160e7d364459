import { DbError } from '../../base/errors.ts';

/** What all queries of a node may hold together, whichever of its threads they run on. */
export class NodeAccount {
  readonly #bytesMax: number;
  readonly #cell: BigInt64Array;

  /** 0 is no limit. `cell` is the one count of the node, in memory that its threads share. */
  constructor(bytesMax: number, cell = accountCell()) {
    this.#bytesMax = bytesMax;
    this.#cell = cell;
  }

  get bytes(): number {
    return Number(Atomics.load(this.#cell, 0));
  }

  /** Throws `limit_exceeded` and takes nothing. */
  take(bytes: number): void {
    if (bytes === 0) return;
    const total = Number(Atomics.add(this.#cell, 0, BigInt(bytes))) + bytes;
    if (this.#bytesMax === 0 || bytes < 0 || total <= this.#bytesMax) return;
    Atomics.sub(this.#cell, 0, BigInt(bytes));
    throw new DbError('limit_exceeded', `max-total-query-memory limit exceeded: (${total}/${this.#bytesMax} bytes)`); // prettier-ignore
  }
}

export function accountCell(): BigInt64Array {
  return new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
}

/**
 * Memory that one query holds: batches that wait to be joined, groups, what functions keep, the answer until it is sent.
 * Charged before it is taken; everything is given back when the query ends.
 */
export class QueryAccount {
  readonly #node: NodeAccount;
  readonly #bytesMax: number;
  #bytes = 0;

  /** `bytesMax` 0 is no limit. */
  constructor(node: NodeAccount, bytesMax: number) {
    this.#node = node;
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `limit_exceeded` and charges nothing. */
  charge(bytes: number): void {
    const total = this.#bytes + bytes;
    if (this.#bytesMax > 0 && bytes > 0 && total > this.#bytesMax) {
      const text = `max-query-memory limit exceeded: (${total}/${this.#bytesMax} bytes)`;
      throw new DbError('limit_exceeded', `${text}; ask for less time, fewer series or use LIMIT`);
    }
    this.#node.take(bytes);
    this.#bytes = total;
  }

  release(bytes: number): void {
    this.#node.take(-bytes);
    this.#bytes -= bytes;
  }

  close(): void {
    this.release(this.#bytes);
  }
}
