import type { UnsettledWrites } from '../../data/shards/unsettled-writes.ts';
import type { LaggingOwners } from '../../data/shards/lagging-owners.ts';
import type { HintNews } from '../../data/write/hint-news.ts';
import type { OwnerShares } from '../../data/write/owner-shares.ts';
import type { HintedHandoff } from '../../hh/hinted-handoff.ts';
import type { WaitingHints } from '../../meta/client/hint-news-method.ts';

/** Who is known here to lack something, once what is under way has got somewhere. */
export type OwnersBehind = () => Promise<readonly WaitingHints[]>;

export interface BehindPorts {
  readonly unsettled: Pick<UnsettledWrites, 'inDoubt'>;
  readonly shares: Pick<OwnerShares, 'drained'>;
  readonly hints: Pick<HintedHandoff, 'waiting'>;
  readonly lagging: Pick<LaggingOwners, 'lost'>;
  readonly news: Pick<HintNews, 'told'>;
}

/**
 * Each owner that lacks something of what clients had been told to be written when this was asked is named by some node, or the node
 * that knows is away: a copy that is under way is at its owner, waits for it or is lost by the time of the answer.
 */
export function ownersBehind({
  unsettled,
  shares,
  hints,
  lagging,
  news,
}: BehindPorts): OwnersBehind {
  return async () => {
    const inDoubt = await unsettled.inDoubt();
    await shares.drained();
    return [...inDoubt, ...hints.waiting(), ...lagging.lost, ...news.told];
  };
}
