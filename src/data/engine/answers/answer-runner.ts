/**
 * Answers a SELECT on the worker that holds all of its shards (decision 51): plan, blocks, functions and JSON, one after the
 * other on one thread, with the modules that a coordinator runs. What it has open is closed however it ends.
 */
import type { EngineContext, EngineReply, EnginePorts } from '../../../env/engine-host.ts';
import { DbError } from '../../../base/errors.ts';
import { parseSeriesKey } from '../../../models/parse-series-key.ts';
import { piecesOf, sentBytes, type AnswerPiece } from '../../../query/emit/answer-piece.ts';
import { ChunkCutter } from '../../../query/emit/chunk-cutter.ts';
import { JsonDocument } from '../../../query/emit/json-writer.ts';
import type { ColumnSeries } from '../../../query/emit/result.ts';
import { FragmentContext, PointCount, type MemoryAccount } from '../../../query/exec/context.ts';
import { runFragment } from '../../../query/exec/run-fragment.ts';
import type { CompiledSelect } from '../../../query/plan/compile-statement.ts';
import type { LevelPlan, ScanPart } from '../../../query/plan/level-plan.ts';
import type { MatcherFactory } from '../../../query/predicate.ts';
import { outputFlow } from '../../../query/run/output-series.ts';
import { Pacer } from '../../../query/run/pacer.ts';
import type { RunContext } from '../../../query/run/run-context.ts';
import { asked, type Flow } from '../../../query/run/steps.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import { fragmentOfLane } from '../../../query/plan/fragment-of-lane.ts';
import { planSelect } from '../../../query/plan/plan-select.ts';
import type { SelectAccounts } from '../../../query/run/select-limits.ts';
import type { IdleKernels } from '../idle-kernels.ts';
import { DescribedLanes } from '../lists/described-lanes.ts';
import { describeShards, mergeDescriptions } from '../lists/describe-shards.ts';
import { listSchema } from '../lists/list-schema.ts';
import { heldBytesMax, type AnswerPart, type AnswerPlace, type AnswerRequest, type AnswerTask } from './answer-task.ts'; // prettier-ignore
import { schemasMark, ShareNotes, type PartShare } from './answer-share.ts';
import { KnownAnswers, type KnownAnswer } from './known-answers.ts';
import { OwnBlocks } from './own-blocks.ts';
import { PartRing } from './part-ring.ts';

export interface AnswerRunnerPorts extends Pick<EnginePorts, 'clock' | 'turn'> {
  readonly kernels: IdleKernels;
  readonly matcher: MatcherFactory;
  readonly accounts: SelectAccounts;
  readonly whenOpen: (shardIds: readonly number[]) => Promise<void>;
  /** Of those that are here, to be released. */
  readonly views: (shardIds: readonly number[]) => readonly ShardView[];
  readonly schemaVersion: () => number;
}

/** A place of the task and its shards as they are read. */
interface OpenPlace extends AnswerPlace {
  readonly views: readonly ShardView[];
}

/** The number that stands for this worker among its own descriptions. */
const self = 0;

export class AnswerRunner {
  readonly #ports: AnswerRunnerPorts;
  readonly #known = new KnownAnswers();
  readonly #described = new DescribedLanes();

  constructor(ports: AnswerRunnerPorts) {
    this.#ports = ports;
  }

  async *run(request: AnswerRequest, context: EngineContext): AsyncGenerator<EngineReply> {
    const { accounts, whenOpen, clock, turn } = this.#ports;
    const known = this.#known.of(request);
    const { task } = known;
    for (const { shardIds } of task.places) await whenOpen(shardIds);
    const account = accounts.open();
    const pacer = new Pacer({ clock, turn, signal: signalOf(context) });
    const reader = new AnswerReader(this.#ports, task, { context, pacer, account });
    try {
      const compiled = known.compiled(request);
      const { plan, planned } = await this.#planOf(
        { known, compiled, request },
        reader.places,
        pacer,
      );
      const { matcher } = this.#ports;
      const share = request.isShare === true ? new ShareNotes(planned()) : undefined;
      reader.noteGroups(share);
      const run: RunContext = {
        open: (part) => reader.open(part),
        seriesTags: (part, countMax) => reader.seriesTags(part, countMax),
        ...{ matcher, pacer, account },
      };
      const series = outputFlow(plan, run, compiled.zone);
      const { epochUnitNs, chunkRowsMax } = task;
      const document = new JsonDocument({ epochUnitNs });
      const documents = new Documents(document, chunkRowsMax, share);
      yield* documentParts(series, documents, pacer);
    } finally {
      reader.close();
      account.close();
    }
  }

  async #planOf(
    { known, compiled, request }: { readonly known: KnownAnswer; readonly compiled: CompiledSelect; readonly request: AnswerRequest }, // prettier-ignore
    places: readonly OpenPlace[],
    pacer: Pacer,
  ): Promise<{ readonly plan: LevelPlan; readonly planned: () => string }> {
    const { nowNs, times } = request;
    const schemaVersion = this.#ports.schemaVersion();
    const plan = times === undefined ? known.planAt(schemaVersion) : undefined;
    // Nothing has grown since the plan was found to be that of now.
    if (plan !== undefined) return { plan, planned: () => places.map((place) => schemasMark(this.#schemasOf(place))).join() }; // prettier-ignore
    const { range, bucketsMax } = known.task;
    const described = places.map((place) => ({ ...place, schemas: this.#schemasOf(place) }));
    const asked = { compiled, range: times?.shards ?? range, nowNs, bucketsMax, isWhole: true };
    const made = await planSelect(asked, described, pacer);
    if (times === undefined) known.keep(made, schemaVersion);
    return { plan: made, planned: () => described.map(({ schemas }) => schemasMark(schemas)).join() }; // prettier-ignore
  }

  #schemasOf({ shardIds, names, views }: OpenPlace): ReturnType<typeof mergeDescriptions> {
    const schemaVersion = this.#ports.schemaVersion();
    const asked = { shardIds, only: names };
    this.#described.seen(self, schemaVersion);
    const known = this.#described.find(self, asked);
    const measurements = known ?? describeShards(views, names);
    if (known === undefined) this.#described.keep(self, asked, { measurements, schemaVersion });
    return mergeDescriptions([measurements]);
  }
}

interface RunningAnswer {
  readonly context: EngineContext;
  readonly pacer: Pacer;
  readonly account: MemoryAccount;
}

/** What an answer has open of the worker's shards. */
class AnswerReader {
  readonly places: readonly OpenPlace[];
  readonly #ports: AnswerRunnerPorts;
  readonly #task: AnswerTask;
  readonly #running: RunningAnswer;
  readonly #opened: OwnBlocks[] = [];
  readonly #points = new PointCount();
  #share: ShareNotes | undefined;

  constructor(ports: AnswerRunnerPorts, task: AnswerTask, running: RunningAnswer) {
    this.#ports = ports;
    this.#task = task;
    this.#running = running;
    const places: OpenPlace[] = [];
    this.places = places;
    try {
      for (const place of task.places)
        places.push({ ...place, views: ports.views(place.shardIds) });
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Told the groups of all that is opened. */
  noteGroups(share: ShareNotes | undefined): void {
    this.#share = share;
  }

  open({ found, fragment }: ScanPart): readonly OwnBlocks[] {
    const { kernels, matcher } = this.#ports;
    const { context, pacer, account } = this.#running;
    const place = this.#placeOf(found);
    if (place === undefined) return [];
    const { seriesMax, pointsMax } = this.#task;
    const lane = { shardIds: place.shardIds, seriesMax, pointsMax, showsSeries: false };
    const kernel = kernels.take();
    const own = new FragmentContext(kernel, matcher, () => context.cancelled(), this.#points);
    own.chargeTo(account);
    const share = this.#share;
    if (share !== undefined) own.tellGroups((groups) => share.found(groups, fragment.ascending));
    const blocks = runFragment(fragmentOfLane(fragment, lane), place.views, own);
    const opened = new OwnBlocks(blocks, pacer, { kernel, kernels });
    this.#opened.push(opened);
    return [opened];
  }

  async seriesTags(
    { found, fragment }: ScanPart,
    countMax: number | undefined,
  ): Promise<readonly ReadonlyMap<string, string>[]> {
    const { shardIds = [], views = [] } = this.#placeOf(found) ?? {};
    const { measurement: name, predicate } = fragment;
    const listed = { name, predicate, textsMax: countMax };
    const keys = new Set<string>();
    const request = { of: 'series', shardIds, measurements: [listed] } as const;
    for (const piece of listSchema(views, request, this.#ports.matcher)) {
      for (const key of piece?.texts ?? []) keys.add(key);
      await this.#running.pacer.pause();
    }
    return [...keys].map((key) => new Map(parseSeriesKey(key).tags.map(({ key: tag, value }) => [tag, value]))); // prettier-ignore
  }

  close(): void {
    for (const opened of this.#opened) opened.end();
    for (const { views } of this.places) for (const view of views) view.release();
  }

  #placeOf({ database, retentionPolicy }: ScanPart['found']): OpenPlace | undefined {
    return this.places.find((one) => one.database === database && one.retentionPolicy === retentionPolicy); // prettier-ignore
  }
}

/** The documents of one statement in parts of about `sentBytes`, the last of which says that it is. Waits where it has to. */
async function* documentParts(
  series: Flow<ColumnSeries>,
  documents: Documents,
  pacer: Pacer,
): AsyncGenerator<EngineReply> {
  let held: ColumnSeries | undefined;
  try {
    let next = series.next();
    while (next.done !== true) {
      if (next.value instanceof Promise) {
        next = await asked(series, next.value);
        continue;
      }
      if (held !== undefined)
        for (const piece of piecesOf({ statementId: 0, series: [held], partial: true })) {
          for (const reply of documents.push(piece)) yield reply;
          const rest = pacer.rest();
          if (rest !== undefined) await rest;
        }
      held = next.value;
      next = series.next();
    }
  } finally {
    series.return();
  }
  for (const piece of piecesOf({ statementId: 0, series: held === undefined ? [] : [held] })) {
    for (const reply of documents.push(piece)) yield reply;
    const rest = pacer.rest();
    if (rest !== undefined) await rest;
  }
  yield documents.end();
}

/** One document or the chunks of an answer, and what of them is ready to leave. */
class Documents {
  readonly #document: JsonDocument;
  readonly #cutter: ChunkCutter | undefined;
  readonly #ring = new PartRing();
  readonly #share: ShareNotes | undefined;
  #sentBytes = 0;

  /** A share is one document. */
  constructor(
    document: JsonDocument,
    chunkRowsMax: number | undefined,
    share: ShareNotes | undefined,
  ) {
    this.#document = document;
    this.#share = share;
    this.#cutter = chunkRowsMax === undefined ? undefined : new ChunkCutter(chunkRowsMax);
  }

  /** Each has to leave before the next one is made. */
  *push(piece: AnswerPiece): Generator<EngineReply> {
    const document = this.#document;
    if (this.#cutter === undefined) {
      document.push(piece);
      if (this.#share !== undefined) this.#note(this.#share, piece);
      if (document.lengthBytes >= sentBytes && piece.isResultOpen) yield this.#next();
      return;
    }
    for (const part of this.#cutter.cut(piece)) {
      document.push(part);
      // The statement's last chunk leaves with the end.
      if (!part.isResultOpen && part.result.partial !== true) return;
      if (!part.isResultOpen) document.end();
      if (!part.isResultOpen || document.lengthBytes >= sentBytes) yield this.#next();
    }
  }

  end(): EngineReply {
    this.#document.end();
    return replyOf(this.#document, true, this.#share?.take());
  }

  #note(share: ShareNotes, { result }: AnswerPiece): void {
    const { hasFailed, seriesAt, seriesEnd } = this.#document;
    // The whole answer is an error then, which nobody can tell by one share.
    if (hasFailed) throw new DbError('unavailable', 'JSON has no word for a value of this share');
    const [series] = result.series;
    if (series !== undefined) share.wrote(series, seriesAt, seriesEnd);
  }

  /** But for the last one parts move as those do that are held back (decision 13). */
  #next(): EngineReply {
    const document = this.#document;
    const isHeld = this.#sentBytes < heldBytesMax;
    this.#sentBytes += document.lengthBytes;
    const bytes = isHeld ? undefined : this.#ring.copyOf(document.view());
    const share = this.#share?.take();
    if (bytes === undefined) return replyOf(document, false, share);
    document.written();
    return {
      body: {
        bytes,
        closing: document.closing,
        isLast: false,
        ...(share && { share }),
      } satisfies AnswerPart,
    };
  }
}

function replyOf(
  document: JsonDocument,
  isLast: boolean,
  share: PartShare | undefined,
): EngineReply {
  const { closing } = document;
  const [taken] = document.take();
  // A view of memory that others use, too, cannot move.
  const isAlone = taken?.byteLength === taken?.buffer.byteLength;
  const bytes = isAlone && taken !== undefined ? taken : new Uint8Array(taken ?? []);
  const part: AnswerPart = {
    bytes: new Uint8Array(bytes.buffer),
    closing,
    isLast,
    ...(share && { share }),
  };
  return { body: part, transfer: [bytes.buffer as ArrayBuffer], isLast };
}

function signalOf(context: EngineContext): Pick<AbortSignal, 'aborted' | 'reason'> {
  return {
    get aborted() {
      return context.cancelled();
    },
    // An error is dear to make, and hardly ever asked for.
    get reason() {
      return new DbError('cancelled', 'query interrupted');
    },
  };
}
