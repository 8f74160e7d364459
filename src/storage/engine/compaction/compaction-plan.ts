/**
 * Which files of a shard are compacted next: pure, from what a look at the folder says (spec 7.2 and the keys of
 * `[data]`). A file's name is generation and level, as the reference counts them: a flush writes level 1; what is made
 * of some files has the generation of the newest and a level more, 4 at most.
 *
 * Invariants:
 * - files of a plan stand side by side in age, so that of equal times the newest value goes on to win;
 * - files of one generation, which are made where there are more of them than generations, have no point in common: beside what is in
 *   a plan of a part of them are older files alone, since what is made of newer ones too could not sort between the two parts;
 * - a file that is damaged is in no plan, and none goes across it: the others of its shard are brought together on both sides;
 * - a plan takes at least two files, or one whose tombstones are to be worked in;
 * - a shard that is several files although all of it was brought together, as a key has more blocks than a file can, is so once more
 *   with larger blocks (`aggressive-points-per-block`), and then left alone; what has larger blocks keeps them;
 * - a plan's size is bounded: the room on disk that it needs beside its inputs is no more than they are.
 */
import { blockRowsMax } from '../../tsm/tsm-format.ts';

export interface CompactionFile {
  readonly name: string;
  readonly generation: number;
  readonly level: number;
  readonly lengthBytes: number;
  readonly hasTombstones: boolean;
  /** Something of it cannot be read: it stays as it is, and nothing is brought together across it. */
  readonly isLeftOut?: boolean | undefined;
  /** Of its seal. */
  readonly wholeRows?: number | undefined;
}

/** Why files are brought together, as the reference counts it. */
export type CompactionKind = 'level1' | 'level2' | 'level3' | 'optimize' | 'full';

export interface CompactionPlan {
  readonly kind: CompactionKind;
  /** Oldest first. */
  readonly names: readonly string[];
  readonly level: number;
  readonly rowsPerBlock: number;
  /** All of the shard that is not in large files already. */
  readonly isWhole: boolean;
}

export interface PlanOptions {
  /** No write for `compact-full-write-cold-duration`: all files become as few as they can. */
  readonly isCold: boolean;
  /** A file larger than that is whole as it is. The reference's limit of a file. */
  readonly fileBytesMax: number;
  /** Of blocks that are to be larger than usual; the usual ones when left out. */
  readonly aggressiveRows?: number | undefined;
  /** The usual ones when left out. */
  readonly levels?: LevelLimits | undefined;
}

/** When files of a hot shard are brought together. */
export interface LevelLimits {
  /** So many files of level 1, 2 and 3 become one of the next. */
  readonly filesPerPlan: readonly [number, number, number];
  /** And as many as have no more than this together, as after a flood of flushes: each plan costs a few syncs, however little it has. */
  readonly smallBytesMax: number;
  /** Level 4 files are brought together when there are so many. */
  readonly optimizeFilesMin: number;
}

/** The reference's. */
const usualLevels: LevelLimits = { filesPerPlan: [8, 4, 4], smallBytesMax: 4 << 20, optimizeFilesMin: 4 }; // prettier-ignore
const smallFilesMax = 64;
export const levelMax = 4;

/** `files` are all of the shard that no compaction has in hand, oldest first. */
export function planCompaction(
  files: readonly CompactionFile[],
  options: PlanOptions,
): CompactionPlan | undefined {
  if (options.isCold) return fullPlan(files, options);
  for (const level of [1, 2, 3] as const) {
    const plan = levelPlan(files, level, options);
    if (plan !== undefined) return plan;
  }
  return optimizePlan(files, options) ?? tombstonePlan(files, options);
}

/** The oldest run of files of a level or below it that is long enough. */
function levelPlan(
  files: readonly CompactionFile[],
  level: 1 | 2 | 3,
  { levels = usualLevels }: PlanOptions,
): CompactionPlan | undefined {
  const wanted = levels.filesPerPlan[(level - 1) as 0 | 1 | 2];
  for (const run of runsOf(files, (file) => file.level <= level)) {
    const ofLevel = run.filter((file) => file.level === level).length;
    if (ofLevel < wanted) continue;
    // From the first file of the level on: those of a lower one between them come along.
    const first = run.find((file) => file.level === level);
    const start = run.findIndex(({ generation }) => generation === first?.generation);
    const count = Math.max(wanted, smallCount(run.slice(start), levels));
    const taken = run.slice(start, start + count);
    return planOf(`level${level}`, taken, level + 1, blockRowsMax);
  }
  return undefined;
}

/** How many from the first one on are small together. */
function smallCount(
  files: readonly CompactionFile[],
  { smallBytesMax }: Pick<LevelLimits, 'smallBytesMax'>,
): number {
  let bytes = 0;
  const end = files.slice(0, smallFilesMax).findIndex(({ lengthBytes }) => (bytes += lengthBytes) > smallBytesMax); // prettier-ignore
  return end < 0 ? Math.min(files.length, smallFilesMax) : end;
}

function optimizePlan(
  files: readonly CompactionFile[],
  options: PlanOptions,
): CompactionPlan | undefined {
  const { fileBytesMax, levels = usualLevels } = options;
  const isSmall = (file: CompactionFile): boolean =>
    file.level >= levelMax && file.lengthBytes < fileBytesMax / 2;
  for (const run of runsOf(files, isSmall))
    if (
      run.length >= levels.optimizeFilesMin &&
      !run.every(({ wholeRows }) => wholeRows !== undefined)
    )
      return planOf('optimize', run, levelMax, rowsOf(run, options));
  return undefined;
}

/** Everything that is not one large file already; nothing when that is all there is, or nothing would come of it. */
function fullPlan(
  files: readonly CompactionFile[],
  options: PlanOptions,
): CompactionPlan | undefined {
  const { fileBytesMax } = options;
  const isDone = (file: CompactionFile): boolean =>
    !file.hasTombstones && file.level >= levelMax && file.lengthBytes >= fileBytesMax / 2;
  for (const run of runsOf(files, (file) => !isDone(file))) {
    const [only] = run;
    if (run.length > 1 && run.every(isOfWhole)) {
      const rows = rowsMost(options);
      if (run.every(({ wholeRows = 0 }) => wholeRows >= rows)) continue;
      return { ...planOf('optimize', run, levelMax, rows), isWhole: true };
    }
    const isWhole = run.length === 1 && only?.hasTombstones !== true && only?.level === levelMax;
    if (!isWhole) return { ...planOf('full', run, levelMax, rowsOf(run, options)), isWhole: true };
  }
  return undefined;
}

function isOfWhole({ wholeRows, hasTombstones, level }: CompactionFile): boolean {
  return wholeRows !== undefined && !hasTombstones && level >= levelMax;
}

function rowsMost({ aggressiveRows = 0 }: PlanOptions): number {
  return Math.max(blockRowsMax, aggressiveRows);
}

/** Of what was brought to larger blocks before, the whole is again. */
function rowsOf(files: readonly CompactionFile[], options: PlanOptions): number {
  return files.some(({ wholeRows = 0 }) => wholeRows > blockRowsMax) ? rowsMost(options) : blockRowsMax; // prettier-ignore
}

function tombstonePlan(
  files: readonly CompactionFile[],
  options: PlanOptions,
): CompactionPlan | undefined {
  const [[file] = []] = runsOf(files, ({ hasTombstones, level }) => hasTombstones && level >= levelMax); // prettier-ignore
  if (file === undefined) return undefined;
  return planOf('full', [file], levelMax, rowsOf([file], options));
}

/** Files side by side that belong. What is left of a generation behind others of it is by itself. */
function* runsOf(
  files: readonly CompactionFile[],
  belongs: (file: CompactionFile) => boolean,
): Generator<readonly CompactionFile[]> {
  let run: CompactionFile[] = [];
  /** Of the file before the run. */
  let begun = Number.NaN;
  for (const [i, file] of files.entries()) {
    const isTaken = file.isLeftOut !== true && belongs(file);
    const endsRest = run[0]?.generation === begun && file.generation !== begun;
    if (run.length > 0 && (!isTaken || endsRest)) {
      yield run;
      run = [];
    }
    if (!isTaken) continue;
    if (run.length === 0) begun = files[i - 1]?.generation ?? Number.NaN;
    run.push(file);
  }
  if (run.length > 0) yield run;
}

function planOf(
  kind: CompactionKind,
  files: readonly CompactionFile[],
  level: number,
  rowsPerBlock: number,
): CompactionPlan {
  const names = files.map(({ name }) => name);
  return { kind, names, level: Math.min(level, levelMax), rowsPerBlock, isWhole: false };
}
