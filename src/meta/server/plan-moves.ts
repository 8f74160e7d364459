/**
 * Which shards go where: pure, over what the catalog and the nodes say (decision 40).
 *
 * Invariants:
 * - A shard never goes to a node that owns it, that is passive, silent or leaving.
 * - The owners of a shard are in as many zones afterwards as before (label `zone`; a node without one is a zone of its own),
 *   as far as a node that is to own nothing any more leaves a choice.
 * - A balance moves each shard once at most, and each move makes two nodes more alike than they were.
 */
import { movesMax, type ProposedMove } from '../model/move-plan.ts';

export interface PlannedNode {
  readonly id: number;
  /** It does not answer: nothing goes there, and nothing can be had from it. */
  readonly isSilent: boolean;
  /** Passive nodes own no shards. */
  readonly isPassive: boolean;
  readonly zone?: string | undefined;
}

export interface PlannedShard {
  readonly id: number;
  readonly owners: readonly number[];
  /** As the owner has it that has most of it. */
  readonly sizeBytes: number;
  /** Of its retention policy. */
  readonly replicaCount: number;
  /** A restore has not filled it yet: it stays where it is being filled. */
  readonly isAwaited: boolean;
}

export interface PlanView {
  readonly nodes: readonly PlannedNode[];
  readonly shards: readonly PlannedShard[];
}

/** What a shard weighs that has less: it will be written to, costs files and memory. */
const weightBytesMin = 64 * 1_024;
/** Of the mean: nodes that differ by less are left as they are. */
const toleranceShare = 0.05;

/** Moves that make the nodes own as many bytes each, the fewest that are found. */
export function planBalance(view: PlanView): readonly ProposedMove[] {
  const loads = new Loads(view, 0);
  const moves: ProposedMove[] = [];
  for (let move = loads.best(); move !== undefined; move = loads.best()) {
    loads.apply(move);
    moves.push(move);
    if (moves.length >= movesMax) break;
  }
  return moves;
}

/**
 * Moves after which `leavingId` owns nothing. With `joiningId` to that node, where it may; 0 for any. A shard that cannot go
 * anywhere is proposed with the reason.
 */
export function planLeaving(
  view: PlanView,
  { leavingId, joiningId }: { readonly leavingId: number; readonly joiningId: number },
): readonly ProposedMove[] {
  const loads = new Loads(view, leavingId);
  const owned = view.shards.filter(({ owners }) => owners.includes(leavingId));
  // The largest first: the small ones even it out.
  const inOrder = owned.sort((a, b) => b.sizeBytes - a.sizeBytes || a.id - b.id);
  return inOrder.slice(0, movesMax).map((shard) => {
    const move = loads.away(shard, { leavingId, joiningId });
    if (move.reason === '') loads.apply(move);
    return move;
  });
}

class Loads {
  readonly #nodes: ReadonlyMap<number, PlannedNode>;
  /** Where shards may go, and whose bytes are made alike. */
  readonly #takers: readonly number[];
  readonly #shards: ReadonlyMap<number, PlannedShard>;
  readonly #owners = new Map<number, readonly number[]>();
  readonly #bytes = new Map<number, number>();
  /** Of each taker, those that it had at the beginning and has still. */
  readonly #held = new Map<number, Set<PlannedShard>>();
  readonly #toleranceBytes: number;

  constructor({ nodes, shards }: PlanView, leavingId: number) {
    this.#nodes = new Map(nodes.map((node) => [node.id, node]));
    this.#takers = nodes
      .filter(({ id, isSilent, isPassive }) => !isSilent && !isPassive && id !== leavingId)
      .map(({ id }) => id);
    this.#shards = new Map(shards.map((shard) => [shard.id, shard]));
    for (const { id } of nodes) this.#bytes.set(id, 0);
    for (const id of this.#takers) this.#held.set(id, new Set());
    for (const shard of shards) {
      this.#owners.set(shard.id, shard.owners);
      for (const owner of shard.owners) {
        this.#add(owner, weightOf(shard));
        if (!shard.isAwaited) this.#held.get(owner)?.add(shard);
      }
    }
    const total = this.#takers.reduce((sum, id) => sum + this.#load(id), 0);
    const mean = total / Math.max(1, this.#takers.length);
    this.#toleranceBytes = Math.max(weightBytesMin, mean * toleranceShare);
  }

  /** From the fullest node to the emptiest that takes one; the shard that comes nearest to half of what they differ by. */
  best(): ProposedMove | undefined {
    const byLoad = [...this.#takers].sort((a, b) => this.#load(a) - this.#load(b) || a - b);
    for (const from of [...byLoad].reverse())
      for (const to of byLoad) {
        const gap = this.#load(from) - this.#load(to);
        if (gap <= this.#toleranceBytes) break;
        const found = this.#nearest(from, to, gap);
        if (found !== undefined) return moveOf(found, from, to);
      }
    return undefined;
  }

  #nearest(from: number, to: number, gap: number): PlannedShard | undefined {
    let best: PlannedShard | undefined;
    let bestMiss = gap;
    for (const shard of this.#held.get(from) ?? []) {
      const miss = Math.abs(gap - 2 * weightOf(shard));
      if (miss < bestMiss && this.#mayGo(shard, from, to)) [best, bestMiss] = [shard, miss];
    }
    return best;
  }

  /** Where a shard of a node goes that is to own nothing any more. */
  away(
    shard: PlannedShard,
    { leavingId: from, joiningId }: { readonly leavingId: number; readonly joiningId: number },
  ): ProposedMove {
    if (shard.isAwaited) return stuck(shard, from, 'a restore has not filled it yet');
    const others = shard.owners.filter((owner) => owner !== from);
    const heard = others.filter((owner) => this.#nodes.get(owner)?.isSilent === false);
    const [kept] = heard;
    // It has an owner more than its policy wants.
    if (kept !== undefined && heard.length >= Math.max(1, shard.replicaCount))
      return { shardId: shard.id, fromId: from, toId: kept, sizeBytes: 0, reason: '' };
    if (heard.length === 0 && this.#nodes.get(from)?.isSilent !== false)
      return stuck(shard, from, 'no node that answers has a copy of it');
    const free = this.#takers.filter((id) => !shard.owners.includes(id));
    if (free.includes(joiningId)) return moveOf(shard, from, joiningId);
    const rankOf = (id: number): number => (this.#keepsZones(shard.owners, from, id) ? 0 : 1);
    const [to] = free.sort((a, b) => rankOf(a) - rankOf(b) || this.#load(a) - this.#load(b) || a - b); // prettier-ignore
    if (to === undefined) return stuck(shard, from, 'every node that may own it does already');
    return moveOf(shard, from, to);
  }

  apply({ shardId, fromId, toId }: ProposedMove): void {
    const shard = this.#shards.get(shardId);
    if (shard === undefined) return;
    const owners = this.#owners.get(shardId) ?? [];
    if (!owners.includes(toId)) this.#add(toId, weightOf(shard));
    this.#add(fromId, -weightOf(shard));
    this.#owners.set(
      shardId,
      [...new Set([...owners, toId])].filter((id) => id !== fromId),
    );
    // One that was moved stays where it goes.
    for (const held of this.#held.values()) held.delete(shard);
  }

  #mayGo({ id }: PlannedShard, from: number, to: number): boolean {
    const owners = this.#owners.get(id) ?? [];
    return !owners.includes(to) && this.#keepsZones(owners, from, to);
  }

  #keepsZones(owners: readonly number[], from: number, to: number): boolean {
    const after = [...owners.filter((owner) => owner !== from), to];
    return this.#zoneCount(after) >= this.#zoneCount(owners);
  }

  #zoneCount(ids: readonly number[]): number {
    return new Set(ids.map((id) => this.#nodes.get(id)?.zone ?? id)).size;
  }

  #load(id: number): number {
    return this.#bytes.get(id) ?? 0;
  }

  #add(id: number, bytes: number): void {
    this.#bytes.set(id, this.#load(id) + bytes);
  }
}

function moveOf({ id, sizeBytes }: PlannedShard, fromId: number, toId: number): ProposedMove {
  return { shardId: id, fromId, toId, sizeBytes, reason: '' };
}

function stuck({ id, sizeBytes }: PlannedShard, fromId: number, reason: string): ProposedMove {
  return { shardId: id, fromId, toId: 0, sizeBytes, reason };
}

function weightOf({ sizeBytes }: PlannedShard): number {
  return Math.max(weightBytesMin, sizeBytes);
}
