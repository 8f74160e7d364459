import { MiB } from '../../base/units.ts';
import { accountCell, NodeAccount, QueryAccount } from './query-account.ts';

/** What SELECTs of a node may take; 0 is no limit. */
export interface SelectLimits {
  /** `[cluster] max-query-memory` and `max-total-query-memory`, bytes: ours, spec 5.2 has none. */
  readonly queryBytesMax: number;
  readonly totalBytesMax: number;
  /** `[cluster] max-select-point` and `max-select-series`. */
  readonly pointsMax: number;
  readonly seriesMax: number;
}

const defaultSelectLimits: SelectLimits = {
  queryBytesMax: 512 * MiB,
  totalBytesMax: 1024 * MiB,
  pointsMax: 0,
  seriesMax: 0,
};

/** What the accounts of one node on its several threads have in common; plain data. */
export interface SharedAccounts {
  readonly limits: SelectLimits;
  /** Bytes that all running queries hold. */
  readonly cell: BigInt64Array;
}

/** The accounts of a node's queries: each has its own, and all draw on one. */
export class SelectAccounts {
  readonly shared: SharedAccounts;
  readonly #node: NodeAccount;

  constructor(
    { limits, cell }: SharedAccounts = { limits: defaultSelectLimits, cell: accountCell() },
  ) {
    this.shared = { limits, cell };
    this.#node = new NodeAccount(limits.totalBytesMax, cell);
  }

  static of(limits: SelectLimits): SelectAccounts {
    return new SelectAccounts({ limits, cell: accountCell() });
  }

  get limits(): SelectLimits {
    return this.shared.limits;
  }

  /** Bytes that all running queries hold. */
  get bytes(): number {
    return this.#node.bytes;
  }

  /** Queries that come may soon be refused for what others hold. */
  get isNearlyFull(): boolean {
    return this.#node.isNearlyFull;
  }

  /** `together` is what another account of the query has shared. */
  open(together?: BigInt64Array): QueryAccount {
    return new QueryAccount(this.#node, this.limits.queryBytesMax, together);
  }
}
