import { DbError } from '../../base/errors.ts';

/** What all queries of a node may hold together. */
export class NodeAccount {
  readonly #bytesMax: number;
  #bytes = 0;

  /** 0 is no limit. */
  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Throws `limit_exceeded` and takes nothing. */
  take(bytes: number): void {
    const total = this.#bytes + bytes;
    if (this.#bytesMax > 0 && bytes > 0 && total > this.#bytesMax)
      throw new DbError('limit_exceeded', `max-total-query-memory limit exceeded: (${total}/${this.#bytesMax} bytes)`); // prettier-ignore
    this.#bytes = total;
  }
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
