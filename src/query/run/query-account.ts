import { DbError } from '../../base/errors.ts';

/** Of what all may hold: so much is left for those that come while others are ended. */
const nearlyFullShare = 0.75;

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

  /** Queries that come may soon be refused for what others hold. */
  get isNearlyFull(): boolean {
    return this.#bytesMax > 0 && this.bytes > this.#bytesMax * nearlyFullShare;
  }

  /** Throws `limit_exceeded` and takes nothing. */
  take(bytes: number): void {
    if (bytes === 0) return;
    const total = Number(Atomics.add(this.#cell, 0, BigInt(bytes))) + bytes;
    if (this.#bytesMax === 0 || bytes < 0 || total <= this.#bytesMax) return;
    Atomics.sub(this.#cell, 0, BigInt(bytes));
    const text = `max-total-query-memory limit exceeded: (${total}/${this.#bytesMax} bytes)`;
    throw new DbError('limit_exceeded', `${text}; other queries hold most of it, ask again when they have ended`); // prettier-ignore
  }
}

export function accountCell(): BigInt64Array {
  return new BigInt64Array(new SharedArrayBuffer(BigInt64Array.BYTES_PER_ELEMENT));
}

/**
 * Memory that one query holds: batches that wait to be joined, groups, what functions keep, the answer until it is sent.
 * Charged before it is taken; everything is given back when the query ends. A query that several threads answer has an account on
 * each, and one count of what all of them hold.
 */
export class QueryAccount {
  readonly #node: NodeAccount;
  readonly #bytesMax: number;
  #bytes = 0;
  #together: BigInt64Array | undefined;

  /** `bytesMax` 0 is no limit. `together` is what another account of the query has shared. */
  constructor(node: NodeAccount, bytesMax: number, together?: BigInt64Array) {
    this.#node = node;
    this.#bytesMax = bytesMax;
    this.#together = together;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** From now on what others hold for the query counts here, and the other way round. */
  share(): BigInt64Array {
    if (this.#together === undefined) {
      this.#together = accountCell();
      this.#together[0] = BigInt(this.#bytes);
    }
    return this.#together;
  }

  /** Throws `limit_exceeded` and charges nothing. */
  charge(bytes: number): void {
    const total = this.#add(bytes);
    try {
      if (this.#bytesMax > 0 && bytes > 0 && total > this.#bytesMax) {
        const text = `max-query-memory limit exceeded: (${total}/${this.#bytesMax} bytes)`;
        throw new DbError('limit_exceeded', `${text}; ask for less time, fewer series or use LIMIT`); // prettier-ignore
      }
      this.#node.take(bytes);
    } catch (error) {
      this.#add(-bytes);
      throw error;
    }
  }

  /** Never more than it holds: what is given back once it is closed was given back then. */
  release(bytes: number): void {
    const held = Math.min(bytes, this.#bytes);
    this.#node.take(-held);
    this.#add(-held);
  }

  close(): void {
    this.release(this.#bytes);
  }

  /** Answers what the query holds then. */
  #add(bytes: number): number {
    this.#bytes += bytes;
    if (this.#together === undefined) return this.#bytes;
    return Number(Atomics.add(this.#together, 0, BigInt(bytes))) + bytes;
  }
}
