/** What an attack is given: addresses of a cluster of real processes, and where its nodes keep their files. */
export interface HostileTarget {
  /** `http://host:port` of the data API (8086) of each data node. */
  readonly dataUrls: readonly string[];
  /** `http://host:port` of the API (8091) of each meta node. */
  readonly metaUrls: readonly string[];
  /** `host:port` of the RPC port (8088) of each data node. */
  readonly dataRpcAddresses: readonly string[];
  /** `host:port` of the RPC port (8089) of each meta node. */
  readonly metaRpcAddresses: readonly string[];
  /** Folder of the cluster: a folder of each node is in it. */
  readonly folder: string;
}

export interface Attack {
  /** Row of the list of attacks, as `B1`. */
  readonly id: string;
  readonly title: string;
  /** Resolves when the attack is over and every answer was right; throws what was wrong. Bounded in count and time. */
  run(target: HostileTarget): Promise<void>;
}
