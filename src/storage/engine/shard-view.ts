/** An unchanging view of a shard's points for one reader. The shape is what the query engine asks of a shard. */
import type { FieldType } from '../../models/field-value.ts';
import type { ShardIndex } from '../index/shard-index.ts';
import type { MemtableView } from './memtable.ts';
import { type ColumnPiece, type CursorBounds, RunCursor } from './run-cursor.ts';

const typeNames = ['float', 'integer', 'boolean', 'string', 'unsigned'] as const;

export interface ViewRequest extends CursorBounds {
  readonly seriesId: number;
  readonly field: string;
}

export class ShardView {
  readonly shardId: number;
  readonly #index: ShardIndex;
  readonly #memtable: MemtableView;

  constructor(shardId: number, index: ShardIndex, memtable: MemtableView) {
    this.shardId = shardId;
    this.#index = index;
    this.#memtable = memtable;
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
    const { measurement } = this.#index.series(seriesId);
    const pieces: ColumnPiece[] = [];
    const run = this.#memtable.read(measurement, seriesId, field);
    if (run !== undefined) {
      const minTimeNs = run.timesNs[0] ?? 0n;
      const maxTimeNs = run.timesNs.at(-1) ?? 0n;
      pieces.push({ minTimeNs, maxTimeNs, load: () => run });
    }
    return new RunCursor(pieces, request);
  }
}
