/**
 * Compacts the shards of a worker, one plan at a time, and no more at once than the node may (compaction-slots.ts): looks once a second for those that have files enough.
 *
 * Invariants:
 * - outputs are whole, durable and in `shard.json`, which names the inputs as gone, before an input is removed; a crash
 *   in between leaves the same points twice or files that the next start removes;
 * - a plan that fails leaves the shard as it was; a file that is damaged is left out of all others until the next start, and where the
 *   disk is at fault the shard is tried again after a while;
 * - a view that was taken before goes on with the files it has;
 * - shards that have plans take turns, a plan each, those of most files first: one that is written to as fast as it is compacted keeps no
 *   other one waiting.
 *
 * Room on disk: while a plan is at work its outputs stand beside its inputs, so a worker needs as much free room as the
 * largest plan, which is all files of a shard when that is cold.
 */
import { Mutex } from '../../../base/async/mutex.ts';
import { errorText, isDbError } from '../../../base/errors.ts';
import type { Timer } from '../../../env/clock.ts';
import type { Log } from '../../../env/log.ts';
import { Slices } from '../../../env/slices.ts';
import {
  compactFiles,
  type CompactionPorts,
  type WrittenFile,
} from '../../engine/compaction/compact-files.ts';
import {
  levelMax,
  planCompaction,
  type CompactionKind,
  type CompactionPlan,
  type LevelLimits,
} from '../../engine/compaction/compaction-plan.ts';
import type { PageCache } from '../../pages/page-cache.ts';
import { TsmFile } from '../../tsm/tsm-file.ts';
import { removeTsm } from '../../tsm/tombstones.ts';
import { blockRowsMax, tsmName, tsmNameOf } from '../../tsm/tsm-format.ts';
import { type CompactionLimits, type CompactionSlots } from './compaction-slots.ts';
import type { OpenShard } from '../shards/open-shards.ts';
import type { ShardManifest } from '../shards/shard-manifest.ts';
import { shardStalls, StallWatch } from '../stall-watch.ts';

export interface CompactorOptions {
  /** `compact-full-write-cold-duration`. */
  readonly fullColdMs: number;
  /** A file that has grown to it is closed and another one begun: the reference's 2 GiB. */
  readonly fileBytesMax: number;
  /** Only what is asked for is compacted. */
  readonly isByHand?: boolean | undefined;
  /** `aggressive-points-per-block`; blocks are of the usual size when left out. */
  readonly aggressiveRows?: number | undefined;
  /** Blocks of a key in a file: as many as the format takes when left out. */
  readonly keyBlocksMax?: number | undefined;
  /** When a hot shard is compacted: the reference's when left out. */
  readonly levels?: LevelLimits | undefined;
  /** Absent: a worker by itself. */
  readonly limits?: CompactionLimits | undefined;
}

export interface CompactorPorts extends Omit<CompactionPorts, 'isCancelled'> {
  readonly log: Log;
  /** Of the indexes of files. */
  readonly cache: PageCache;
  /** Of their blocks. */
  readonly blocks: PageCache;
  readonly shards: () => Iterable<OpenShard>;
  /** False once the shard is taken out. */
  readonly isOpen: (open: OpenShard) => boolean;
  readonly folderOf: (open: OpenShard) => string;
  readonly slots?: CompactionSlots | undefined;
}

const lookMs = 1_000;
/** A disk that was full or failing is not asked again at once. */
const retryMs = 60_000;
/** How often a worker asks that was refused, for as long as a look may take. */
const askMs = 20;

type Step = 'ran' | 'refused' | 'none';

export class Compactor {
  readonly #ports: CompactorPorts;
  readonly #options: CompactorOptions;
  readonly #watch: StallWatch<OpenShard>;
  readonly #timer: Timer | undefined;
  /** Shards that failed: not tried before that time. */
  readonly #notBeforeMs = new WeakMap<OpenShard, number>();
  /** Two plans of a shard at once would take the same files. */
  readonly #mutex = new Mutex();
  #running: Promise<void> | undefined;
  #closed = false;

  constructor(ports: CompactorPorts, options: CompactorOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#watch = new StallWatch(ports, shardStalls('compaction'));
    if (options.isByHand === true) return;
    this.#timer = ports.clock.every(lookMs, () => {
      this.#watch.look();
      this.#running ??= this.#work().finally(() => {
        this.#running = undefined;
      });
    });
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#running;
  }

  /**
   * Compacts one shard until it has no plan left, after what is at work already. `isCold` asks for all of it. Throws what the
   * disk says.
   */
  async compact(open: OpenShard, isCold: boolean): Promise<void> {
    const all = async (): Promise<void> => {
      while ((await this.#step(open, isCold)) === 'ran');
    };
    await this.#mutex.run(() => this.#watch.during(open, all));
  }

  /** One plan, and the index. */
  async #step(open: OpenShard, isCold: boolean): Promise<Step> {
    const step = await this.#runNext(open, isCold);
    const isCancelled = (): boolean => this.#isGivenUp(open);
    while (step !== 'refused' && !isCancelled()) {
      const merging = open.segments.merge({ isCold, isCancelled, throttle: this.#ports.throttle }); // prettier-ignore
      open.compacting = merging.finally(() => {
        open.compacting = undefined;
      });
      if (!(await open.compacting)) break;
    }
    return step;
  }

  async #runNext(open: OpenShard, isCold: boolean): Promise<Step> {
    const asked = this.#plan(open, isCold);
    if (asked === undefined) return 'none';
    const { kind } = asked;
    const isAtOnce = this.#takesSlot(kind);
    if (!isAtOnce && !(await this.#waitForSlot(open, kind))) return 'refused';
    try {
      // Files may have come or gone while it waited.
      const plan = isAtOnce ? asked : this.#plan(open, isCold);
      if (plan?.kind !== kind) return 'none';
      const running = open.work.count(kind, () => this.#run(open, plan));
      open.compacting = running.finally(() => {
        open.compacting = undefined;
      });
      return (await open.compacting) ? 'ran' : 'none';
    } finally {
      this.#ports.slots?.give(kind);
    }
  }

  #takesSlot(kind: CompactionKind): boolean {
    return this.#ports.slots?.tryTake(kind) !== false;
  }

  /** As long as a look may take: what another worker does may be over in a moment. */
  async #waitForSlot(open: OpenShard, kind: CompactionKind): Promise<boolean> {
    const { clock } = this.#ports;
    const untilMs = clock.monotonicMs() + lookMs;
    while (clock.monotonicMs() < untilMs && !this.#isCancelled(open)) {
      await clock.sleep(askMs);
      if (this.#takesSlot(kind)) return true;
    }
    return false;
  }

  #isCancelled(open: OpenShard): boolean {
    return (
      this.#closed || open.deletingCount > 0 || open.isIndexBehind || !this.#ports.isOpen(open)
    );
  }

  /** Asked by work that goes on. */
  #isGivenUp(open: OpenShard): boolean {
    this.#watch.moved(open);
    return this.#isCancelled(open);
  }

  async #work(): Promise<void> {
    const { clock } = this.#ports;
    let due = this.#byNeed();
    let lookedAtMs = clock.monotonicMs();
    while (due.length > 0) {
      const more: OpenShard[] = [];
      for (const open of due) {
        if (this.#closed) return;
        if (await this.#turn(open)) more.push(open);
      }
      // Others may have come to need it by now.
      const isLate = more.length > 0 && clock.monotonicMs() - lookedAtMs >= lookMs;
      if (isLate) lookedAtMs = clock.monotonicMs();
      due = isLate ? this.#byNeed() : more;
    }
  }

  #byNeed(): readonly OpenShard[] {
    return [...this.#ports.shards()].sort((a, b) => b.shard.files.length - a.shard.files.length);
  }

  /** Whether it may have more to do. */
  async #turn(open: OpenShard): Promise<boolean> {
    const { clock, log } = this.#ports;
    const nowMs = clock.monotonicMs();
    if ((this.#notBeforeMs.get(open) ?? 0) > nowMs) return false;
    const isCold =
      nowMs - open.lastWriteMs >= this.#options.fullColdMs && open.shard.memtableBytes === 0;
    const damagedCount = damagedCountOf(open);
    try {
      const step = this.#mutex.run(() => this.#watch.during(open, () => this.#step(open, isCold)));
      return (await step) === 'ran';
    } catch (error) {
      if (isDbError(error, 'cancelled') || !this.#ports.isOpen(open)) return false;
      const shard = open.place.shardId;
      if (damagedCountOf(open) > damagedCount) {
        log.error('A damaged file is left out of compactions', { shard, error: errorText(error) });
        return false;
      }
      // A damaged index is made anew; files that contradict each other go on to.
      const isOfIndex = open.shard.index.damage !== undefined;
      const isDamage = !isOfIndex && (isDbError(error, 'corrupt') || isDbError(error, 'unsupported_version')); // prettier-ignore
      // It may have taken longer than that.
      const againAtMs = clock.monotonicMs() + retryMs;
      this.#notBeforeMs.set(open, isDamage ? Number.POSITIVE_INFINITY : againAtMs);
      log.error('TSM compaction failed', { shard, error: errorText(error) });
      return false;
    }
  }

  #plan(open: OpenShard, isCold: boolean): CompactionPlan | undefined {
    if (this.#isCancelled(open)) return undefined;
    // Those of a delete that the disk has failed: some may have tombstones that do not show, and are to.
    const doomed = new Set(open.manifest.manifest.pendingDelete?.files);
    const files = open.shard.files.map((file) => ({
      name: nameOf(file),
      generation: tsmNameOf(nameOf(file))?.generation ?? 0,
      level: Math.min(tsmNameOf(nameOf(file))?.sequence ?? levelMax, levelMax),
      lengthBytes: file.seal.lengthBytes,
      hasTombstones: file.hasTombstones,
      isLeftOut: file.damage !== undefined || doomed.has(nameOf(file)),
      wholeRows: file.seal.wholeRows,
    }));
    return planCompaction(files, { ...this.#options, isCold });
  }

  /** False when the shard was taken out meanwhile. */
  async #run(open: OpenShard, plan: CompactionPlan): Promise<boolean> {
    const { clock, log, folderOf } = this.#ports;
    const startMs = clock.monotonicMs();
    const inputs = open.shard.files.filter((file) => plan.names.includes(nameOf(file)));
    const folder = folderOf(open);
    for (const file of inputs) file.pin();
    try {
      // Outputs have the names of those that a failed one could not name, and may have named all the same.
      await open.manifest.settle();
      const { files } = open.shard;
      const namesOf = outputNames(inputs, { files, gone: open.manifest.manifest.gone }, plan.level);
      const request = {
        inputs,
        // Which names they get hangs on how many there are.
        pathOf: (output: number) => `${folder}/${output}.tsm`,
        rowsPerBlock: plan.rowsPerBlock,
        fileBytesMax: this.#options.fileBytesMax,
        keyBlocksMax: this.#options.keyBlocksMax,
        isClose: plan.level === levelMax,
      };
      // What is deleted meanwhile would come back with the outputs.
      const isCancelled = (): boolean => this.#isGivenUp(open);
      const written = await compactFiles(request, { ...this.#ports, isCancelled });
      const slices = new Slices(this.#ports);
      const foreseeing = open.shard.content.foresee(inputs);
      while (foreseeing.next().done !== true) await slices.next();
      const outputs = await this.#openOutputs(open, marked(plan, written), namesOf(written.length));
      if (isCancelled()) {
        await discard(open, outputs);
        return false;
      }
      await this.#replace(open, inputs, outputs);
    } finally {
      for (const file of inputs) file.unpin();
    }
    const ms = clock.monotonicMs() - startMs;
    const shard = open.place.shardId;
    log.info('TSM compaction', { shard, files: inputs.length, level: plan.level, ms });
    return true;
  }

  async #openOutputs(
    open: OpenShard,
    written: readonly WrittenFile[],
    names: readonly string[],
  ): Promise<readonly TsmFile[]> {
    const { disk, cache, blocks, folderOf } = this.#ports;
    const outputs: TsmFile[] = [];
    const folder = folderOf(open);
    try {
      for (const [output, { path, seal }] of written.entries()) {
        const named = `${folder}/${names[output]}`;
        await disk.rename(path, named);
        outputs.push(await TsmFile.open({ disk, cache, blocks }, named, seal));
      }
      await disk.syncDir(folder);
    } catch (error) {
      await open.manifest.takeBack(names);
      for (const file of outputs) await file.close();
      // Those that had no name yet: on a full disk they take what others need.
      for (const { path } of written) await disk.remove(path).catch(() => undefined);
      throw error;
    }
    return outputs;
  }

  async #replace(
    open: OpenShard,
    inputs: readonly TsmFile[],
    outputs: readonly TsmFile[],
  ): Promise<void> {
    const old = new Set(inputs.map(nameOf));
    const change = ({ files, gone = [], ...rest }: ShardManifest): ShardManifest => ({
      ...rest,
      files: new Map([
        ...[...files].filter(([name]) => !old.has(name)),
        ...outputs.map((file) => [nameOf(file), file.seal] as const),
      ]),
      gone: [...gone, ...old],
    });
    try {
      await open.manifest.update(change);
    } catch (error) {
      open.manifest.disown(outputs.map(nameOf));
      for (const file of outputs) await file.close();
      throw error;
    }
    open.shard.replaceFiles(inputs, outputs);
    // With what an earlier failure of the disk has left.
    const removed = new Set(open.manifest.manifest.gone);
    for (const name of removed)
      await removeTsm(this.#ports.disk, `${this.#ports.folderOf(open)}/${name}`);
    await this.#ports.disk.syncDir(this.#ports.folderOf(open));
    await open.manifest.update(({ gone = [], ...rest }) => ({
      ...rest,
      gone: gone.filter((name) => !removed.has(name)),
    }));
  }
}

/** So that nobody tries to make less of them, or smaller blocks. */
function marked(
  { kind, names, rowsPerBlock: wholeRows, isWhole }: CompactionPlan,
  written: readonly WrittenFile[],
): readonly WrittenFile[] {
  // As of a key that has more blocks than a file can: the same plan would be made of them again.
  const isInVain = kind === 'optimize' && written.length >= names.length;
  const isMarked = wholeRows > blockRowsMax || (written.length > 1 && (isWhole || isInVain));
  if (!isMarked) return written;
  return written.map(({ path, seal }) => ({ path, seal: { ...seal, wholeRows } }));
}

function damagedCountOf({ shard }: OpenShard): number {
  return shard.files.filter(({ damage }) => damage !== undefined).length;
}

function nameOf({ path }: TsmFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}

/**
 * Names of so many outputs, which sort as they stand and where the inputs did, since a start goes by that alone: of the newest
 * generations that are inputs as a whole, and a sequence past all files that the shard has, or had, of those. Of what is one
 * generation in part it is that one: nothing of it is in the other files.
 */
function outputNames(
  inputs: readonly TsmFile[],
  { files, gone = [] }: { readonly files: readonly TsmFile[]; readonly gone: readonly string[] | undefined }, // prettier-ignore
  level: number,
): (count: number) => readonly string[] {
  const generationOf = (file: TsmFile): number => tsmNameOf(nameOf(file))?.generation ?? 1;
  const parted = new Set(files.filter((file) => !inputs.includes(file)).map(generationOf));
  const all = [...new Set(inputs.map(generationOf))];
  const whole = all.filter((generation) => !parted.has(generation));
  const generations = whole.length > 0 ? whole : all;
  const sequence = [...files.map(nameOf), ...gone]
    .flatMap((name) => tsmNameOf(name) ?? [])
    .filter(({ generation }) => generations.includes(generation))
    .reduce((most, one) => Math.max(most, one.sequence + 1), level);
  const newest = Math.max(...generations);
  return (count) =>
    Array.from({ length: count }, (_, output) => {
      const place = output + Math.max(generations.length - count, 0);
      const more = Math.max(place - generations.length + 1, 0);
      return tsmName({ generation: generations[place] ?? newest, sequence: sequence + more });
    });
}

/** Takes back what is not to be the shard's. */
async function discard(open: OpenShard, outputs: readonly TsmFile[]): Promise<void> {
  await open.manifest.takeBack(outputs.map(nameOf));
  for (const file of outputs) await file.close();
}
