import { MiB } from '../../base/units.ts';
import { NodeAccount, QueryAccount } from '../../query/run/query-account.ts';

/** What SELECTs of a node may take; 0 is no limit. */
export interface SelectLimits {
  /** `[cluster] max-query-memory` and `max-total-query-memory`, bytes: ours, spec 5.2 has none. */
  readonly queryBytesMax: number;
  readonly totalBytesMax: number;
  /** `[cluster] max-select-point` and `max-select-series`. */
  readonly pointsMax: number;
  readonly seriesMax: number;
}

export const defaultSelectLimits: SelectLimits = {
  queryBytesMax: 512 * MiB,
  totalBytesMax: 1024 * MiB,
  pointsMax: 0,
  seriesMax: 0,
};

/** The accounts of a node's queries: each has its own, and all draw on one. */
export class SelectAccounts {
  readonly limits: SelectLimits;
  readonly #node: NodeAccount;

  constructor(limits: SelectLimits = defaultSelectLimits) {
    this.limits = limits;
    this.#node = new NodeAccount(limits.totalBytesMax);
  }

  /** Bytes that all running queries hold. */
  get bytes(): number {
    return this.#node.bytes;
  }

  open(): QueryAccount {
    return new QueryAccount(this.#node, this.limits.queryBytesMax);
  }
}
