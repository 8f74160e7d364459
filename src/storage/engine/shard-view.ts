/** An unchanging view of a shard's points for one reader. The shape is what the query engine asks of a shard. */
import type { FieldType } from '../../models/field-value.ts';
import type { ShardIndex } from '../index/shard-index.ts';
import type { TsmFile } from '../tsm/tsm-file.ts';
import { tsmKey } from '../tsm/tsm-format.ts';
import type { MemtableView } from './memtable.ts';
import { type ColumnPiece, type CursorBounds, RunCursor } from './run-cursor.ts';

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

export interface ViewRequest extends CursorBounds {
  readonly seriesId: number;
  readonly field: string;
}

/** What a view reads, oldest first: later parts win. */
export interface ViewParts {
  readonly files: readonly TsmFile[];
  readonly memtables: readonly MemtableView[];
}

export class ShardView {
  readonly shardId: number;
  readonly #index: ShardIndex;
  readonly #parts: ViewParts;

  constructor(shardId: number, index: ShardIndex, parts: ViewParts) {
    this.shardId = shardId;
    this.#index = index;
    this.#parts = parts;
  }

  measurements(): readonly string[] {
    return this.#index.measurements();
  }

  fields(measurement: string): readonly {
    readonly name: string;
    readonly type: (typeof typeNames)[FieldType];
  }[] {
    return [...this.#index.fields(measurement)]
      .map(([name, type]) => ({ name, type: typeNames[type] }))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  }

  tagKeys(measurement: string): readonly string[] {
    return [...this.#index.tagKeys(measurement)].sort();
  }

  seriesIds(measurement: string): Uint32Array {
    return Uint32Array.from(this.#index.seriesIds(measurement));
  }

  series(seriesId: number): { readonly key: string; readonly tags: ReadonlyMap<string, string> } {
    return this.#index.series(seriesId);
  }

  openCursor(request: ViewRequest): RunCursor {
    const { seriesId, field } = request;
    const { measurement, key: seriesKey } = this.#index.series(seriesId);
    const pieces: ColumnPiece[] = [];
    const key = tsmKey(seriesKey, field);
    for (const file of this.#parts.files) {
      for (const entry of file.entries(key)) {
        const { minTimeNs, maxTimeNs } = entry;
        pieces.push({ minTimeNs, maxTimeNs, load: () => file.readBlock(entry) });
      }
    }
    for (const memtable of this.#parts.memtables) {
      const run = memtable.read(measurement, seriesId, field, request);
      if (run === undefined) continue;
      const minTimeNs = run.timesNs[0] ?? 0n;
      const maxTimeNs = run.timesNs.at(-1) ?? 0n;
      pieces.push({ minTimeNs, maxTimeNs, load: () => run });
    }
    return new RunCursor(pieces, request);
  }
}
