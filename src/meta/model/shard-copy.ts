/** Facts of a copy of a shard, as the catalog has them. */
export interface ShardCopy {
  readonly shardId: number;
  readonly sourceId: number;
  readonly destinationId: number;
  /** By the clock of the leader that was asked. */
  readonly startedNs: bigint;
  /** Of the catalog that it began with: names the copy. */
  readonly beganIndex: number;
  /** `discarding`: it was given up, and the destination is to delete what it has of the shard. */
  readonly state: 'copying' | 'discarding';
}

/** An owner that a copy made. */
export interface JoinedOwner {
  readonly nodeId: number;
  /** Names the copy. */
  readonly beganIndex: number;
  /** Who has this catalog, or a later one, knows it for an owner. */
  readonly ownedIndex: number;
}
