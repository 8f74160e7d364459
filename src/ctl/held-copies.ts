import { nothingSaid, type ShardCopy, type Survey } from '../backup/shard-plan.ts';
import type { ShardState } from '../meta/client/data-methods.ts';
import type { WaitingHints } from '../meta/client/hint-news-method.ts';
import type { DataNode } from '../meta/model/catalog.ts';

/** What all data nodes say of their shards, and of those of each other. */
export class HeldCopies {
  readonly #addresses: ReadonlyMap<number, string>;
  readonly #copies = new Map<number, Map<string, Omit<ShardCopy, 'isBehind'>>>();
  /** Nodes that lack something, by shard. */
  readonly #behind = new Map<number, Set<string>>();

  constructor(dataNodes: readonly Pick<DataNode, 'id' | 'tcpAddress'>[]) {
    this.#addresses = new Map(dataNodes.map(({ id, tcpAddress }) => [id, tcpAddress]));
  }

  /** What the node has, and who lacks something as it knows. */
  add(node: string, states: readonly ShardState[], behind: readonly WaitingHints[]): void {
    for (const { shardId, sizeBytes, isHot, modifiedNs } of states)
      this.#copiesOf(shardId).set(node, { node, sizeBytes, isHot, modifiedNs });
    for (const { nodeId, shardIds } of behind) {
      const lacking = this.#addresses.get(nodeId);
      if (lacking === undefined) continue;
      for (const shardId of shardIds)
        this.#behind.set(shardId, (this.#behind.get(shardId) ?? new Set()).add(lacking));
    }
  }

  survey(): Survey {
    for (const [shardId, nodes] of this.#behind) {
      const copies = this.#copiesOf(shardId);
      for (const node of nodes) if (!copies.has(node)) copies.set(node, { node, ...nothingSaid });
    }
    const isBehind = (shardId: number, node: string): boolean =>
      this.#behind.get(shardId)?.has(node) === true;
    return new Map(
      Array.from(this.#copies, ([shardId, copies]) => [
        shardId,
        [...copies.values()].map((copy) => ({ ...copy, isBehind: isBehind(shardId, copy.node) })),
      ]),
    );
  }

  #copiesOf(shardId: number): Map<string, Omit<ShardCopy, 'isBehind'>> {
    const known = this.#copies.get(shardId) ?? new Map<string, Omit<ShardCopy, 'isBehind'>>();
    this.#copies.set(shardId, known);
    return known;
  }
}
