/** The streams of a scan's measurements, asked for in their order: those of several are opened together where that is worth it. */
import type { BlockStream } from '../assemble/merge-groups.ts';
import type { RowsBlock, WindowsBlock } from '../fragment.ts';
import type { ScanPart, ScanPlan } from '../plan/level-plan.ts';
import type { PartsRun, RunContext, ScanShape } from './run-context.ts';
import { onPage, seriesPage } from './series-page.ts';
import type { Steps } from './steps.ts';

/** Measurements that are asked for together: so many are read ahead of whoever stops. */
const runNamesMax = 64;

export type ScannedStream = BlockStream<RowsBlock | WindowsBlock>;

export class MeasurementStreams {
  readonly #scan: ScanPlan;
  readonly #shape: Pick<ScanShape, 'outerTags' | 'innerTags'>;
  readonly #context: RunContext;
  #run: { readonly opened: PartsRun; readonly start: number; readonly end: number } | undefined;
  /** Those of single measurements, until they are asked for the next one. */
  #alone: readonly ScannedStream[] = [];

  constructor(
    scan: ScanPlan,
    shape: Pick<ScanShape, 'outerTags' | 'innerTags'>,
    context: RunContext,
  ) {
    this.#scan = scan;
    this.#shape = shape;
    this.#context = context;
  }

  /** Of the measurement at a place; those of the one before are not read any more. */
  *of(at: number): Steps<readonly ScannedStream[]> {
    const { names } = this.#scan;
    const parts = names[at]?.parts ?? [];
    const run = this.#mayRun ? yield* this.#runOf(at) : undefined;
    if (run !== undefined) {
      let before = 0;
      for (let i = run.start; i < at; i++) before += names[i]?.parts.length ?? 0;
      return parts.flatMap((_, i) => run.opened.streams(before + i));
    }
    const streams: ScannedStream[] = [];
    for (const part of parts) streams.push(...(yield* this.#open(part)));
    return (this.#alone = streams);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#alone.map((stream) => stream.close()), this.#run?.opened.close()]);
  }

  /** Whoever pages through series leaves many unread. */
  get #mayRun(): boolean {
    const { names, seriesLimit, seriesOffset } = this.#scan;
    return names.length > 1 && seriesLimit === 0 && seriesOffset === 0;
  }

  /** Undefined for a measurement that is opened by itself. */
  *#runOf(at: number): Steps<{ readonly opened: PartsRun; readonly start: number } | undefined> {
    if (this.#run !== undefined && at < this.#run.end) return this.#run;
    if (this.#run !== undefined) yield this.#run.opened.close();
    this.#run = undefined;
    const { names } = this.#scan;
    const nextMax = Math.min(at + runNamesMax, names.length);
    let end = at;
    while (end < nextMax && isReadInOrder(names[end]?.parts ?? [])) end++;
    if (end - at < 2) return undefined;
    const opened = this.#context.openRun?.(names.slice(at, end).flatMap(({ parts }) => parts));
    this.#run = opened && { opened, start: at, end };
    return this.#run;
  }

  *#open(part: ScanPart): Steps<readonly ScannedStream[]> {
    const page = yield* seriesPage(this.#scan, part, this.#shape, this.#context);
    if (page?.size === 0) return [];
    const opened = this.#context.open(part);
    return page === undefined ? opened : opened.map((one) => onPage(one, page, this.#shape));
  }
}

/** Parts of one measurement are merged: those of one place, as of a source that is named twice, are read by turns. */
function isReadInOrder(parts: readonly ScanPart[]): boolean {
  return parts.every(
    ({ found }, i) => parts.findIndex((one) => isSamePlace(one.found, found)) === i,
  );
}

function isSamePlace(one: ScanPart['found'], other: ScanPart['found']): boolean {
  return one.database === other.database && one.retentionPolicy === other.retentionPolicy;
}
