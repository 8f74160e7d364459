/** Which rows of a batch the shard refuses: a field has one type per measurement and shard (spec F49). */
import type { BatchShape, PointBatch } from '../../../models/point-batch.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { ShardIndex } from '../../index/shard-index.ts';

export interface FieldVerdict {
  /** One bit per ordinal, set for refused rows; empty when all are taken. */
  readonly rejects: Uint8Array;
  readonly droppedCount: number;
  /** The reference's text for the first refused row; '' when all are taken. */
  readonly reason: string;
}

const typeNames = new Map<FieldType, string>(
  Object.entries(FieldType).map(([name, code]) => [code, name]),
);

/** One for all: a shard may remember what came of each of thousands of batches. */
const noRejects: Uint8Array = new Uint8Array(0);

/**
 * Decides a batch and the types of the fields it brings. A whole row is refused when one of its fields conflicts; of two
 * rows of one batch that disagree on a new field, the earlier decides its type.
 */
export function checkFields(index: ShardIndex, batch: PointBatch): FieldVerdict {
  const mark = index.fieldsMark;
  if (areDecided(batch, mark)) return { rejects: noRejects, droppedCount: 0, reason: '' };
  let rejects = noRejects;
  let droppedCount = 0;
  let reason = '';
  for (const shape of byFirstRow(batch.shapes)) {
    const conflict = conflictOf(index, shape);
    if (conflict === undefined) continue;
    if (reason === '') reason = conflict;
    droppedCount += shape.rowCount;
    if (rejects.length === 0) rejects = new Uint8Array((batch.rowCount + 7) >>> 3);
    for (const ordinal of shape.ordinals)
      rejects[ordinal >>> 3] = (rejects[ordinal >>> 3] ?? 0) | (1 << (ordinal & 7));
  }
  if (droppedCount === 0)
    for (const { names } of batch.sets) for (const name of names) name.decidedBy = index.fieldsMark;
  return { rejects, droppedCount, reason };
}

/** Whether all shapes were looked up since a type was last forgotten. */
function areDecided({ sets }: PointBatch, mark: object): boolean {
  for (const { names } of sets)
    for (let i = 0; i < names.length; i++) if (names[i]?.decidedBy !== mark) return false;
  return true;
}

/** Nearly all are in this order. */
function byFirstRow(shapes: readonly BatchShape[]): readonly BatchShape[] {
  let before = -1;
  for (const { ordinals } of shapes) {
    const first = ordinals[0] ?? 0;
    if (first < before)
      return [...shapes].sort((a, b) => (a.ordinals[0] ?? 0) - (b.ordinals[0] ?? 0));
    before = first;
  }
  return shapes;
}

/** Decides the types of new fields of a shape that has no conflict. */
function conflictOf(index: ShardIndex, { measurement, fields }: BatchShape): string | undefined {
  let isNew = false;
  for (const { name, type } of fields) {
    const known = index.fieldType(measurement, name);
    isNew ||= known === undefined;
    if (known === undefined || known === type) continue;
    return `field type conflict: input field "${name}" on measurement "${measurement}" is type ${typeNames.get(type)}, already exists as type ${typeNames.get(known)}`;
  }
  if (isNew) for (const { name, type } of fields) index.decideFieldType(measurement, name, type);
  return undefined;
}
