import type { BlockStream } from '../assemble/merge-groups.ts';
import type { RowsBlock, WindowsBlock } from '../fragment.ts';
import type { ScanPart } from '../plan/level-plan.ts';
import type { MatcherFactory } from '../predicate.ts';
import type { ListedKeys } from './listed-keys.ts';
import type { Pacer } from './pacer.ts';
import type { QueryAccount } from './query-account.ts';

/** What a running query has at hand. */
export interface RunContext {
  /** Streams of the blocks that the shards of a scan's part answer, each ordered by group. */
  readonly open: (part: ScanPart) => readonly BlockStream<RowsBlock | WindowsBlock>[];
  /** The same of parts that are read in their order, opened together; undefined where each is opened by itself. */
  readonly openRun?: (parts: readonly ScanPart[]) => PartsRun | undefined;
  /** The keys of all series that a scan's part may read, or of `countMax` of them, to be let go. */
  readonly seriesKeys: (part: ScanPart, countMax?: number) => Promise<ListedKeys>;
  readonly matcher: MatcherFactory;
  readonly pacer: Pacer;
  readonly account: QueryAccount;
}

/** Parts that are read one after the other. Closing a stream of one leaves the others. */
export interface PartsRun {
  /** Of the part at a place; of none before it any more. */
  streams(at: number): readonly BlockStream<RowsBlock | WindowsBlock>[];
  close(): Promise<void>;
}

/** How the blocks of a scan become groups of a level. */
export interface ScanShape {
  readonly outerTags: readonly string[];
  /** Tags of the level that the outermost query does not group by. */
  readonly innerTags: readonly string[];
  readonly ascending: boolean;
}
