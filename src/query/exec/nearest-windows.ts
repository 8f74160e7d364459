import { must } from '../../base/assert.ts';
import type { Fragment, WindowsBlock, WindowsTask } from '../fragment.ts';
import type { ShardSource } from '../source.ts';
import type { Group } from './groups.ts';
import { joinSummaries } from './join-summaries.ts';
import { windowStartNs } from './window-accumulator.ts';
import { boundsWithin, windowGrid, type Grid } from './window-grid.ts';

/** Where the nearest windows were not enough, so many times as many are looked at next. */
const growth = 4n;

/** Some windows one behind the other. */
export interface WindowsSpan {
  /** With the bounds of the span. */
  readonly fragment: Fragment;
  readonly grid: Grid | undefined;
  /** Those that may have points in it. */
  readonly sources: ReadonlySet<ShardSource>;
}

/**
 * The range of a fragment whose groups need no more than `windowsMax` windows, from the end that its answer begins with: first so
 * many windows, then more and more. Points behind those that are enough are never looked at.
 */
export class NearestWindows {
  readonly #fragment: Fragment;
  readonly #task: WindowsTask;
  readonly #sources: readonly ShardSource[];
  readonly #spans: WindowsSpan[] = [];
  /** What was not looked at yet, inclusive. */
  #lowNs: bigint;
  #highNs: bigint;
  #count: bigint;

  constructor(fragment: Fragment, task: WindowsTask, sources: readonly ShardSource[]) {
    this.#fragment = fragment;
    this.#task = task;
    this.#sources = sources;
    const { lowNs, highNs } = boundsWithin(fragment, sources) ?? { lowNs: 1n, highNs: 0n };
    this.#lowNs = lowNs;
    this.#highNs = highNs;
    this.#count = BigInt(task.windowsMax ?? 1);
  }

  get ascending(): boolean {
    return this.#fragment.ascending;
  }

  /** Span `i` from that end on; undefined behind the last one. */
  span(i: number): WindowsSpan | undefined {
    while (this.#spans.length <= i && this.#lowNs <= this.#highNs) this.#addSpan();
    return this.#spans[i];
  }

  #addSpan(): void {
    const { intervalNs, offsetNs } = this.#task;
    const isFromLow = this.#fragment.ascending;
    const startNs = windowStartNs(isFromLow ? this.#lowNs : this.#highNs, intervalNs, offsetNs);
    let [minTimeNs, maxTimeNs] = [this.#lowNs, this.#highNs];
    if (isFromLow) {
      const endNs = startNs + this.#count * intervalNs - 1n;
      if (endNs < maxTimeNs) maxTimeNs = endNs;
      this.#lowNs = maxTimeNs + 1n;
    } else {
      const firstNs = startNs - (this.#count - 1n) * intervalNs;
      if (firstNs > minTimeNs) minTimeNs = firstNs;
      this.#highNs = minTimeNs - 1n;
    }
    this.#count *= growth;
    const fragment = { ...this.#fragment, minTimeNs, maxTimeNs };
    const grid = windowGrid(fragment, this.#task, this.#sources);
    if (grid === 'empty') return;
    const isWithin = (source: ShardSource): boolean => {
      const bounds = source.timeBounds();
      return bounds !== undefined && bounds.minTimeNs <= maxTimeNs && bounds.maxTimeNs >= minTimeNs;
    };
    this.#spans.push({ fragment, grid, sources: new Set(this.#sources.filter(isWithin)) });
  }
}

/** The windows of a group, span after span until each field has enough of them. */
export function* summarizeNearest(
  nearest: NearestWindows,
  { fields, windowsMax = 1 }: WindowsTask,
  group: Group,
  summarize: (span: WindowsSpan, group: Group) => Generator<undefined, WindowsBlock>,
): Generator<undefined, WindowsBlock> {
  const blocks: WindowsBlock[] = [];
  const counts = fields.map(() => 0);
  for (let i = 0; counts.some((count) => count < windowsMax); i++) {
    const span = nearest.span(i);
    if (span === undefined) break;
    const members = group.members.filter(({ source }) => span.sources.has(source));
    if (members.length === 0) continue;
    const block = yield* summarize(span, { ...group, members });
    blocks.push(block);
    block.fields.forEach(({ startsNs }, at) => (counts[at] = (counts[at] ?? 0) + startsNs.length));
    yield undefined;
  }
  const [only] = blocks;
  if (only !== undefined && blocks.length === 1) return only;
  if (!nearest.ascending) blocks.reverse();
  const summaries = fields.map((_, at) => joinSummaries(blocks.map((block) => must(block.fields[at], 'a summary per field')))); // prettier-ignore
  return { kind: 'windows', group: group.key, fields: summaries };
}
