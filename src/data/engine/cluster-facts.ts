/** What a worker is to know of the cluster as it makes a shard. */
export interface ClusterFacts {
  /** 0 outside of one. */
  readonly clusterId: () => bigint;
  /** Of the catalog, for a shard that is being restored. */
  readonly restoreIndexOf: (shardId: number) => number | undefined;
  /** What a change of lists waits for before it is acknowledged; undefined where nobody relies on older ones. Never rejects. */
  readonly whenTold: (listVersion: number) => Promise<void> | undefined;
}

export const noCluster: ClusterFacts = { clusterId: () => 0n, restoreIndexOf: () => undefined, whenTold: () => undefined }; // prettier-ignore
