/**
 * Digests of a worker's shards that are kept, so that the next one reads only what has changed (decision 0072): in memory, and in each
 * shard's folder for the next run.
 *
 * Invariants:
 * - What is answered is what reading all of the shard at that moment gives (content-watch.ts says what has changed).
 * - After a week all is read again: bytes that rot are found, and nothing that was missed stays missed. So is a shard that is known to be
 *   damaged: what was read before that is not what it has.
 * - A shard that goes takes its digest along; memory holds that of `shardsMax` shards.
 */
import { isDbError } from '../../../base/errors.ts';
import type { Clock } from '../../../env/clock.ts';
import type { Disk } from '../../../env/disk.ts';
import type { SourceArena } from '../../../query/source.ts';
import { changedParts, partsInMemory, type ContentMark } from '../../../storage/engine/content/content-watch.ts'; // prettier-ignore
import { PartSet } from '../../../storage/engine/content/part-set.ts';
import type { ShardView } from '../../../storage/engine/shard-view.ts';
import type { ShardContent } from '../../../storage/store/shards/shard-facts.ts';
import type { TsmFile } from '../../../storage/tsm/tsm-file.ts';
import {
  encodeKept,
  keptDigestName,
  keptSumOf,
  readKept,
  sealOf,
  type ReadState,
} from './kept-digest-file.ts';
import { digestShard, type DigestTask, type KnownDigest } from './shard-digest.ts';

/** Of 12 KiB each. */
const shardsMax = 1_024;
const ageMsMax = 7 * 24 * 3_600_000;

interface Kept {
  readonly shard: ShardContent['shard'];
  readonly mark: ContentMark;
  readonly words: Uint32Array;
  /** Where points that were seen were in no file yet: what becomes of them a run that ends does not tell the next one. */
  readonly inMemory: PartSet;
  readonly readMs: number;
  /** Of the file of it; undefined: there is none. */
  savedCrc32: number | undefined;
}

export class KeptDigests {
  readonly #ports: { readonly disk: Disk; readonly clock: Pick<Clock, 'wallNs'> };
  /** Those that were asked for last are the last. */
  readonly #kept = new Map<number, Kept>();

  constructor(ports: { readonly disk: Disk; readonly clock: Pick<Clock, 'wallNs'> }) {
    this.#ports = ports;
  }

  /** Before a view is taken: brings what the run before has kept. */
  async load(task: DigestTask, content: ShardContent): Promise<void> {
    const isOfNoUse = task.isAnew || isDamaged(content.shard);
    if (isOfNoUse || this.#usable(task, content) !== undefined) return;
    const { disk } = this.#ports;
    const read = await readKept(disk, content.folder);
    if (read === undefined) return;
    const { shard } = content;
    const named = new Map(shard.files.map((file) => [nameOf(file), file]));
    const files = read.seals.map((seal) => named.get(seal.slice(0, seal.indexOf(' '))));
    if (!files.every((file) => file !== undefined)) return;
    // A delete that begins while the files are looked at is told to the mark.
    const mark = shard.content.mark(read.range, files, read.changed);
    if (await isOf(disk, read, files))
      this.#keep(task.shardId, { ...read, shard, mark, inMemory: new PartSet(), savedCrc32: keptSumOf(encodeKept(read)) }); // prettier-ignore
    else shard.content.letGo(mark);
  }

  /** Yields undefined whenever it has done a little, and the digest at its end. */
  *digest(
    task: DigestTask,
    { view, shard }: { readonly view: ShardView; readonly shard: ShardContent['shard'] },
    arena: SourceArena,
  ): Generator<Uint32Array | undefined, void> {
    const { startNs, endNs, shardId } = task;
    const range = { startNs, endNs };
    const isOfNoUse = task.isAnew || isDamaged(shard);
    const kept = isOfNoUse ? undefined : this.#usable(task, { shard });
    // Of the moment of the view: what happens from now on is told to it.
    const mark = shard.content.mark(range, view.files);
    let isKept = false;
    try {
      const changed = kept && (yield* changedParts(view, kept.mark));
      const inMemory = yield* partsInMemory(view, range);
      changed?.addAll(inMemory);
      const known: KnownDigest | undefined = kept && changed && { words: kept.words, changed };
      for (const words of digestShard(view, range, arena, known)) {
        if (words !== undefined && !mark.isLost) {
          isKept = true;
          const { readMs = this.#nowMs(), savedCrc32 } = kept ?? {};
          this.#keep(shardId, { shard, mark, words, inMemory, readMs, savedCrc32 });
        }
        yield words?.slice();
      }
    } finally {
      if (!isKept) shard.content.letGo(mark);
    }
  }

  /** For the next run. What the disk refuses costs that run a look at all. */
  async save(shardId: number, { shard, folder }: ShardContent): Promise<void> {
    const kept = this.#kept.get(shardId);
    if (kept?.shard !== shard || kept.mark.isLost) return;
    const { disk } = this.#ports;
    const { mark } = kept;
    try {
      const seals: string[] = [];
      for (const file of mark.files) seals.push(await sealOf(disk, file));
      // What was struck until now is marked; what is struck later has another seal.
      const changed = new PartSet();
      changed.addAll(mark.changed);
      changed.addAll(kept.inMemory);
      const bytes = encodeKept({ ...kept, range: mark.range, changed, seals });
      const sum = keptSumOf(bytes);
      if (sum === kept.savedCrc32) return;
      kept.savedCrc32 = undefined;
      await disk.replaceFile(`${folder}/${keptDigestName}`, bytes);
      kept.savedCrc32 = sum;
    } catch (error) {
      if (!isDbError(error)) throw error;
    }
  }

  #usable(
    { shardId, startNs, endNs }: DigestTask,
    { shard }: Pick<ShardContent, 'shard'>,
  ): Kept | undefined {
    const kept = this.#kept.get(shardId);
    if (kept === undefined) return undefined;
    const { range, isLost } = kept.mark;
    const isOfIt = kept.shard === shard && range.startNs === startNs && range.endNs === endNs;
    const ageMs = this.#nowMs() - kept.readMs;
    if (isOfIt && !isLost && ageMs >= 0 && ageMs < ageMsMax) return kept;
    this.forget(shardId);
    return undefined;
  }

  #keep(shardId: number, kept: Kept): void {
    this.forget(shardId);
    this.#kept.set(shardId, kept);
    const [oldest = shardId] = this.#kept.keys();
    if (this.#kept.size > shardsMax) this.forget(oldest);
  }

  forget(shardId: number): void {
    const kept = this.#kept.get(shardId);
    kept?.shard.content.letGo(kept.mark);
    this.#kept.delete(shardId);
  }

  #nowMs(): number {
    return Number(this.#ports.clock.wallNs() / 1_000_000n);
  }
}

/** As far as any reader has met it. */
function isDamaged({ index, files }: ShardContent['shard']): boolean {
  return index.damage !== undefined || files.some(({ damage }) => damage !== undefined);
}

async function isOf(disk: Disk, { seals }: ReadState, files: readonly TsmFile[]): Promise<boolean> {
  for (const [i, file] of files.entries())
    if ((await sealOf(disk, file)) !== seals[i]) return false;
  return true;
}

function nameOf({ path }: TsmFile): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
