import { must } from '../../base/assert.ts';
import type { BatchField, PointBatch } from '../../models/point-batch.ts';
import type { ShardIndex } from '../index/shard-index.ts';
import { areAllRefused } from './limits/refused-rows.ts';

type Shown = Pick<ShardIndex, 'fieldsMark' | 'showField'>;

/** Fields of which rows are taken show from now on. */
export function showFields(index: Shown, batch: PointBatch, rejects: Uint8Array): void {
  if (rejects.length === 0) showAll(index, batch);
  else
    for (const { ordinals, measurement, fields } of batch.shapes)
      if (!areAllRefused(rejects, ordinals)) show(index, measurement, fields);
}

function showAll(index: Shown, { sets }: PointBatch): void {
  const mark = index.fieldsMark;
  for (const { names } of sets) {
    if (names.shownBy === mark) continue;
    for (let i = 0; i < names.all.length; i++) {
      const name = must(names.all[i], 'a name is there');
      if (name.shownBy === mark) continue;
      show(index, name.measurement, name.list.fields);
      name.shownBy = mark;
    }
    names.shownBy = mark;
  }
}

function show(index: Shown, measurement: string, fields: readonly BatchField[]): void {
  for (const { name, type } of fields) index.showField(measurement, name, type);
}
