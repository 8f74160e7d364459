/**
 * Bodies to parse and what became of them, as they cross threads: arrays, and what is the same for all bodies of a policy as
 * one text that the other side has read before. Plain data costs a third of a microsecond for each name and number in it,
 * on both sides, which is more for one line than to parse it.
 *
 * Invariant: what is unpacked says what was packed; only what is absent may be undefined then.
 */
import { must } from '../../../base/assert.ts';
import type { JoinedTask } from './joined-bodies.ts';
import type { LinesTask, OwnShards, RoutedLines, RouteGroup, WrittenBatch } from './route-lines.ts';

/** A body to be parsed, with the cluster that shards are made for. */
export interface EngineLines extends LinesTask {
  readonly clusterId: bigint;
}

export type PackedLines = readonly [
  body: Uint8Array,
  clusterId: bigint,
  times: readonly (bigint | undefined)[],
  groups: string,
  own: string,
  stamp: bigint | undefined,
  room: Uint8Array | undefined,
];

/** Bodies to be written as one. */
export interface EngineJoinedTask extends JoinedTask {
  readonly own: OwnShards;
  readonly clusterId: bigint;
}

export type PackedJoined = readonly [lines: PackedLines, table: Uint32Array];

type OwnPlace = Omit<OwnShards, 'stamp'>;

/**
 * Texts that are known at once, and their length together; past either all are forgotten. Few policies are written to at a time,
 * but each shard that comes makes a new text of all: of thousands of shards 64 texts and what was read of them were 60 MB.
 */
const textsMax = 64;
const textLengthMax = 1 << 20;

/** Of whoever sends. */
export class LinesPacker {
  readonly #groups = new WeakMap<readonly RouteGroup[], string>();
  /** The place of the last body of the same groups. */
  readonly #owns = new WeakMap<readonly RouteGroup[], { place: OwnPlace; text: string }>();

  pack({ body, stepNs, defaultTimeNs, bounds, groups, groupDurationNs, own, room, clusterId }: EngineLines): PackedLines {
    const { retentionMinNs, windowMinNs, windowMaxNs } = bounds;
    const times = [stepNs, defaultTimeNs, retentionMinNs, windowMinNs, windowMaxNs, groupDurationNs];
    const ownText = own === undefined ? '' : this.#ownText(groups, own);
    return [body, clusterId, times, this.#groupsText(groups), ownText, own?.stamp, room];
  } // prettier-ignore

  packJoined({ text, table, ...task }: EngineJoinedTask): PackedJoined {
    return [this.pack({ ...task, body: text }), table];
  }

  #groupsText(groups: readonly RouteGroup[]): string {
    const known = this.#groups.get(groups);
    if (known !== undefined) return known;
    const text = JSON.stringify(groups.map(({ startNs, endNs, shardIds }) => [`${startNs}`, `${endNs}`, shardIds])); // prettier-ignore
    this.#groups.set(groups, text);
    return text;
  }

  #ownText(groups: readonly RouteGroup[], { database, retentionPolicy, shardIds, login }: OwnPlace): string {
    const known = this.#owns.get(groups);
    const place = { database, retentionPolicy, shardIds, login };
    if (known !== undefined && isSame(known.place, place)) return known.text;
    const text = JSON.stringify(place);
    this.#owns.set(groups, { place, text });
    return text;
  } // prettier-ignore
}

function isSame(left: OwnPlace, right: OwnPlace): boolean {
  const { shardIds } = right;
  if (left.database !== right.database || left.retentionPolicy !== right.retentionPolicy)
    return false;
  if (left.login !== right.login) return false;
  // Most often it is the same list (data/write/body-routes.ts).
  if (left.shardIds === shardIds) return true;
  return (
    left.shardIds.length === shardIds.length &&
    left.shardIds.every((shardId, i) => shardId === shardIds[i])
  );
}

/** Of whoever takes. */
export class LinesUnpacker {
  readonly #groups = new KnownTexts<readonly RouteGroup[]>(groupsOf);
  readonly #owns = new KnownTexts((text) => JSON.parse(text) as OwnPlace);

  unpack([body, clusterId, times, groups, own, stamp, room]: PackedLines): EngineLines {
    const [stepNs = 1n, defaultTimeNs = 0n, retentionMinNs, windowMinNs, windowMaxNs, groupDurationNs] = times; // prettier-ignore
    const bounds = { retentionMinNs, windowMinNs, windowMaxNs };
    const task = { body, stepNs, defaultTimeNs, bounds, groups: this.#groups.of(groups), groupDurationNs, room, clusterId }; // prettier-ignore
    return stamp === undefined ? task : { ...task, own: { ...this.#owns.of(own), stamp } };
  }

  unpackJoined([lines, table]: PackedJoined): EngineJoinedTask {
    const { body: text, own, ...task } = this.unpack(lines);
    return { ...task, text, table, own: must(own, 'bodies are joined where they may be written') };
  }
}

function groupsOf(text: string): readonly RouteGroup[] {
  const read = JSON.parse(text) as [string, string, readonly number[]][];
  return read.map(([startNs, endNs, shardIds]) => ({
    startNs: BigInt(startNs),
    endNs: BigInt(endNs),
    shardIds,
  }));
}

class KnownTexts<T> {
  readonly #read: (text: string) => T;
  readonly #known = new Map<string, T>();
  #length = 0;

  constructor(read: (text: string) => T) {
    this.#read = read;
  }

  of(text: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const made = this.#read(text);
    if (this.#known.size >= textsMax || this.#length + text.length > textLengthMax) {
      this.#known.clear();
      this.#length = 0;
    }
    this.#known.set(text, made);
    this.#length += text.length;
    return made;
  }
}

interface Versions {
  readonly schemaVersion: number;
  readonly seriesVersion: number;
}

type Routed = RoutedLines & Versions;

/** Numbers where all is written and nothing else is to be said: versions, counts, and shard and points of each batch. */
export type PackedRouted = readonly number[] | Routed;

export function packRouted(routed: Routed): PackedRouted {
  const { written, batches, unroutedNs, errors, dropped, refused } = routed;
  const isPlain = batches.length + unroutedNs.length === 0 && errors === '';
  const isTaken = dropped === undefined && refused === undefined;
  if (!isPlain || !isTaken || written?.every(isWhole) !== true) return routed;
  const { schemaVersion, seriesVersion, pointCount, valueCount } = routed;
  const packed = [schemaVersion, seriesVersion, pointCount, valueCount];
  for (const batch of written) packed.push(batch.shardId, batch.pointCount);
  return packed;
}

function isWhole({ droppedCount, reason }: WrittenBatch): boolean {
  return droppedCount === 0 && reason === '';
}

export function unpackRouted(packed: PackedRouted): Routed {
  if (!isPacked(packed)) return packed;
  const [schemaVersion = 0, seriesVersion = 0, pointCount = 0, valueCount = 0, ...pairs] = packed;
  const written: WrittenBatch[] = [];
  for (let i = 0; i < pairs.length; i += 2)
    written.push({ shardId: pairs[i] ?? 0, pointCount: pairs[i + 1] ?? 0, droppedCount: 0, reason: '' }); // prettier-ignore
  const counts = { pointCount, valueCount, schemaVersion, seriesVersion };
  return { ...counts, batches: [], written, errors: '', unroutedNs: [] };
}

function isPacked(packed: PackedRouted): packed is readonly number[] {
  return Array.isArray(packed);
}
