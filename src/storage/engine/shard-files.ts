/**
 * The files of a shard, oldest first: later ones win.
 *
 * Invariants:
 * - A list that was handed out never changes: views go on with the files that they began with.
 * - Whoever watches the content hears of files that stand in the place of others.
 */
import { assert } from '../../base/assert.ts';
import { rangeOfAll, type StampRange } from '../../models/stamp.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { filePart, stampsOfFile } from './compaction/stamped-parts.ts';
import { ContentWatch } from './content/content-watch.ts';
import type { StampedPart } from './memtable/late-points.ts';

export class ShardFiles {
  /** For whoever keeps what it has seen of the points. */
  readonly content = new ContentWatch();
  #all: readonly TsmFile[];

  constructor(files: readonly TsmFile[]) {
    this.#all = files;
  }

  get all(): readonly TsmFile[] {
    return this.#all;
  }

  get bytes(): number {
    return this.#all.reduce((sum, { seal }) => sum + seal.lengthBytes, 0);
  }

  get stamps(): StampRange | undefined {
    return rangeOfAll(this.#all.map(stampsOfFile));
  }

  get parts(): readonly StampedPart[] {
    return this.#all.map(filePart);
  }

  /** Above all others. */
  add(file: TsmFile): void {
    this.#all = [...this.#all, file];
  }

  /** Below all others. */
  putBelow(files: readonly TsmFile[]): void {
    this.#all = [...files, ...this.#all];
  }

  /** Puts files that hold the same points in the place of some that stand side by side. Views go on with the old ones. */
  replace(old: readonly TsmFile[], fresh: readonly TsmFile[]): void {
    const at = this.#all.findIndex((file) => file === old[0]);
    assert(at >= 0, 'a file that is replaced is there');
    assert(
      old.every((file, i) => this.#all[at + i] === file),
      'and the others right behind it',
    );
    this.#all = [...this.#all.slice(0, at), ...fresh, ...this.#all.slice(at + old.length)];
    this.content.replaced(old, fresh);
    for (const file of old) file.retire();
  }

  /** Those that are here now stay readable while `work` reads them, whatever takes their place. */
  async pinned(work: (files: readonly TsmFile[]) => Promise<void>): Promise<void> {
    const files = this.#all;
    for (const file of files) file.pin();
    try {
      await work(files);
    } finally {
      for (const file of files) file.unpin();
    }
  }

  /** Nobody may read any more. */
  async close(): Promise<void> {
    for (const file of this.#all) await file.close();
  }

  /** Nobody may read any more but who has begun: the files may have lost their names. */
  retire(): void {
    for (const file of this.#all) file.retire();
  }
}
