import type { OwnerReceipt } from '../engine/shard-access.ts';

/** What became of the copy of a batch that one owner is due. */
export type ShareOutcome =
  | { readonly kind: 'written'; readonly receipt: OwnerReceipt }
  /** The owner lacks it; it is durable in the hinted handoff of this node, or of `keeperId`, which will bring it. */
  | { readonly kind: 'queued'; readonly error: unknown; readonly keeperId?: number }
  /** The owner lacks it or may lack it, and nothing will bring it. */
  | { readonly kind: 'lost'; readonly error: unknown }
  /** The shard was dropped, and what waited for its owners with it: whoever writes has to look where its points belong now. */
  | { readonly kind: 'gone'; readonly error: unknown };

/** A copy that has been handed over: it is brought to its owner whatever the client has been told meanwhile. */
export interface Share {
  /** Resolves when there is room for it in memory: until then its writer is held back. Never rejects. */
  readonly accepted: Promise<void>;
  /** Never rejects. */
  readonly outcome: Promise<ShareOutcome>;
}
