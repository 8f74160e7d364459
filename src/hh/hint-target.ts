/** What became of one hinted write. */
export type DeliveryOutcome =
  | { readonly kind: 'written' }
  /** The owner will never take it: it would hold up what waits behind it (spec F46). */
  | { readonly kind: 'refused'; readonly error: unknown }
  | { readonly kind: 'failed'; readonly error: unknown };

/**
 * Whether somebody is to get what is queued for a node: `owner`, itself or those who own the shard now; `gone` with the shard;
 * `unknown` while the catalog at hand does not tell.
 */
export type Standing = 'owner' | 'gone' | 'unknown';

export interface DeliverOptions {
  readonly deadlineMs: number;
  readonly signal: AbortSignal;
  /** Told by the owner how many writes clients have given it so far. */
  readonly heardFresh?: (freshCount: number) => void;
}

/** The owners, as hinted handoff needs them. */
export interface HintTarget {
  standing(nodeId: number, shardId: number): Standing;
  /** Writes payloads of one shard in order; outcomes in their places. Rejects when the node does not answer. */
  deliver(
    shard: { readonly nodeId: number; readonly shardId: number },
    payloads: readonly Uint8Array[],
    options: DeliverOptions,
  ): Promise<readonly DeliveryOutcome[]>;
  /** Something waits for the owner from now on. */
  onQueued(nodeId: number, shardId: number): void;
  /** Something that waited is dropped, since it became too old, or is lost: the owner lacks it. */
  onDropped(nodeId: number, shardId: number): void;
  /** Nothing waits any more. */
  onDrained(nodeId: number, shardId: number): void;
}
