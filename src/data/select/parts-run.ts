/**
 * Parts of a scan that are read one after the other, of which each lane answers all in one stream: a SELECT over thousands of
 * measurements would ask every lane for each of them else, and wait as often (query/fragment-run.ts).
 *
 * Invariant: parts are read in their order. What one of them leaves unread is passed over when the next one is read.
 */
import type { BlockStream } from '../../query/assemble/merge-groups.ts';
import type { Fragment } from '../../query/fragment.ts';
import type { ScanPart } from '../../query/plan/level-plan.ts';
import type { PartsRun } from '../../query/run/run-context.ts';
import type { FragmentBlock, RunBatch } from '../engine/shard-access.ts';
import { onNode } from '../shards/node-failure.ts';
import { lanesOf, openOnParticipant, optionsFor, type LaneFragment, type OpenOptions } from './open-fragments.ts'; // prettier-ignore
import type { Participant, Place } from './select-places.ts';

interface PlacedLane {
  readonly lane: LaneRun;
  /** The part's place among the fragments of the lane. */
  readonly at: number;
}

export function openRun(
  parts: readonly ScanPart[],
  places: readonly Place[],
  options: OpenOptions,
): PartsRun {
  const lanes = new Map<Participant, Map<string, LaneFragment[]>>();
  const placed = parts.map((part) =>
    lanesOf(part, places, options).map((one) => {
      const { participant, fragment } = one;
      const ofNode = lanes.get(participant) ?? new Map<string, LaneFragment[]>();
      lanes.set(participant, ofNode);
      const key = fragment.shardIds.join();
      const fragments = ofNode.get(key) ?? [];
      ofNode.set(key, fragments);
      return { fragments, at: fragments.push(one) - 1 };
    }),
  );
  const runs = new Map<LaneFragment[], LaneRun>();
  for (const [participant, ofNode] of lanes)
    for (const fragments of ofNode.values())
      runs.set(fragments, new LaneRun(participant, fragments.map(({ fragment }) => fragment), options.signal)); // prettier-ignore
  const streams = placed.map((all) =>
    all.flatMap(({ fragments, at }): readonly PlacedLane[] => {
      const lane = runs.get(fragments);
      return lane === undefined ? [] : [{ lane, at }];
    }),
  );
  return {
    streams: (part) => streams[part]?.map(({ lane, at }) => lane.streamOf(at)) ?? [],
    close: async () => {
      await Promise.all([...runs.values()].map((lane) => lane.close()));
    },
  };
}

/** What one lane of a node answers of fragments, each as a stream of its own. */
export class LaneRun {
  readonly #participant: Participant;
  readonly #fragments: readonly Fragment[];
  readonly #signal: AbortSignal;
  #batches: AsyncIterator<RunBatch> | undefined;
  #batch: RunBatch = { blocks: [], ends: [] };
  #blocksTaken = 0;
  #endsTaken = 0;
  /** The fragment whose blocks come next, and the first of those that were asked for. */
  #at = 0;
  #askedAt = 0;
  /** Of a node that answers each by itself: the stream of the fragment that is read. */
  #alone: { readonly at: number; readonly stream: BlockStream<FragmentBlock> } | undefined;
  #answersRuns: boolean;

  constructor(participant: Participant, fragments: readonly Fragment[], signal: AbortSignal) {
    this.#participant = participant;
    this.#fragments = fragments;
    this.#signal = signal;
    this.#answersRuns = participant.access.fragmentRun !== undefined;
  }

  streamOf(at: number): BlockStream<FragmentBlock> {
    return { next: () => this.#next(at), close: () => Promise.resolve() };
  }

  async close(): Promise<void> {
    await Promise.all([this.#batches?.return?.(), this.#alone?.stream.close()]);
  }

  #next(at: number): FragmentBlock | undefined | Promise<FragmentBlock | undefined> {
    if (!this.#answersRuns && at >= this.#at) return this.#nextAlone(at);
    while (this.#at <= at) {
      const { blocks, ends } = this.#batch;
      if (ends[this.#endsTaken] === this.#blocksTaken) {
        this.#endsTaken++;
        this.#at++;
      } else if (this.#blocksTaken < blocks.length) {
        const block = blocks[this.#blocksTaken++];
        if (this.#at === at) return block;
      } else return this.#read().then(() => this.#next(at));
    }
    return undefined;
  }

  /** A node that has answered only some is asked for the others again; one of an earlier release for each by itself. */
  async #read(): Promise<void> {
    const { nodeId, memory, access } = this.#participant;
    if (this.#batches === undefined) {
      const options = optionsFor(this.#participant, this.#signal);
      const asked = access.fragmentRun?.(this.#fragments.slice(this.#at), options);
      this.#batches = asked?.[Symbol.asyncIterator]();
      this.#askedAt = this.#at;
    }
    const next = await onNode(nodeId, async () => this.#batches?.next());
    if (memory !== undefined) memory.isCurrent = true;
    if (next !== undefined && next.done !== true) {
      this.#batch = next.value;
      [this.#blocksTaken, this.#endsTaken] = [0, 0];
      return;
    }
    this.#batches = undefined;
    if (this.#at > this.#askedAt) return;
    this.#answersRuns = false;
    this.#at++;
  }

  #nextAlone(at: number): FragmentBlock | undefined | Promise<FragmentBlock | undefined> {
    const { stream, at: before } = this.#alone ?? {};
    if (before === at && stream !== undefined) return stream.next();
    if (stream !== undefined) return this.#replaced(stream).then(() => this.#nextAlone(at));
    const fragment = this.#fragments[at];
    if (fragment === undefined) return undefined;
    const opened = openOnParticipant(fragment, this.#participant, this.#signal);
    this.#alone = { at, stream: opened };
    return opened.next();
  }

  async #replaced(stream: BlockStream<FragmentBlock>): Promise<void> {
    this.#alone = undefined;
    await stream.close();
  }
}
