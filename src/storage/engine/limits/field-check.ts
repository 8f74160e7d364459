/** Which rows of a batch the shard refuses: a field has one type per measurement and shard (spec F49). */
import { quoteGo } from '../../../base/go-format.ts';
import type { BatchShape, PointBatch } from '../../../models/point-batch.ts';
import { FieldType } from '../../../models/field-value.ts';
import type { ShardIndex } from '../../index/shard-index.ts';
import type { RowVerdict } from './row-verdict.ts';
import { longTextOf, mayHaveLongTexts, textBytesMax, type LongText } from './text-length.ts';

const typeNames = new Map<FieldType, string>(
  Object.entries(FieldType).map(([name, code]) => [code, name]),
);

/** Rows of a shape that are taken or refused together. */
interface AlikeRows {
  readonly shape: BatchShape;
  readonly ordinals: Uint32Array;
  /** Of the one row. */
  readonly long?: LongText;
}

export interface FieldCheckOptions {
  readonly takesLongTexts?: boolean | undefined;
  /** Whether types of new fields are decided: usual. */
  readonly decides?: boolean | undefined;
}

/**
 * Decides a batch and the types of the fields it brings, looking at its rows in their order. A whole row is refused when one of
 * its fields conflicts or is too long; of two rows of one batch that disagree on a new field, the earlier that is taken decides its type.
 */
export function checkFields(
  index: ShardIndex,
  batch: PointBatch,
  verdict: RowVerdict,
  { takesLongTexts = false, decides = true }: FieldCheckOptions = {},
): void {
  const isPlain = verdict.isEmpty && (takesLongTexts || !mayHaveLongTexts(batch));
  if (isPlain && areDecided(batch, index.fieldsMark)) return;
  const alike = isPlain ? batch.shapes.map(allOf) : batch.shapes.flatMap((shape) => parted(shape, verdict, takesLongTexts)); // prettier-ignore
  for (const rows of byFirstRow(alike)) {
    const refusal = refusalOf(index, rows, decides);
    if (refusal === undefined) continue;
    verdict.tell(refusal);
    for (const ordinal of rows.ordinals) verdict.refuse(ordinal);
  }
  if (verdict.isEmpty && decides)
    for (const { names } of batch.sets) {
      for (const name of names.all) name.decidedBy = index.fieldsMark;
      names.decidedBy = index.fieldsMark;
    }
}

function allOf(shape: BatchShape): AlikeRows {
  return { shape, ordinals: shape.ordinals };
}

/** Those that are not refused yet: each that has a text which is too long by itself. */
function parted(
  shape: BatchShape,
  verdict: RowVerdict,
  takesLongTexts: boolean,
): readonly AlikeRows[] {
  const parts: AlikeRows[] = [];
  const others: number[] = [];
  shape.ordinals.forEach((ordinal, row) => {
    if (verdict.isRefused(ordinal)) return;
    const long = takesLongTexts ? undefined : longTextOf(shape, row);
    if (long === undefined) others.push(ordinal);
    else parts.push({ shape, ordinals: Uint32Array.of(ordinal), long });
  });
  if (others.length > 0) parts.push({ shape, ordinals: Uint32Array.from(others) });
  return parts;
}

/** Whether all shapes were looked up since a type was last forgotten. */
function areDecided({ sets }: PointBatch, mark: object): boolean {
  for (const { names } of sets) {
    if (names.decidedBy === mark) continue;
    for (let i = 0; i < names.all.length; i++) if (names.all[i]?.decidedBy !== mark) return false;
    names.decidedBy = mark;
  }
  return true;
}

/** Nearly all are in this order. */
function byFirstRow(all: readonly AlikeRows[]): readonly AlikeRows[] {
  let before = -1;
  for (const { ordinals } of all) {
    const first = ordinals[0] ?? 0;
    if (first < before) return [...all].sort((a, b) => (a.ordinals[0] ?? 0) - (b.ordinals[0] ?? 0));
    before = first;
  }
  return all;
}

/** Why rows are refused, in the reference's words. Decides the types of new fields where they are not. */
function refusalOf(
  index: ShardIndex,
  { shape, long }: AlikeRows,
  decides: boolean,
): string | undefined {
  const { measurement, fields } = shape;
  let isNew = false;
  for (const [i, { name, type }] of fields.entries()) {
    if (long?.field === i)
      return `input field ${quoteGo(name)} on measurement ${quoteGo(measurement)} is too long, ${long.lengthBytes} > ${textBytesMax}`;
    const known = index.fieldType(measurement, name);
    isNew ||= known === undefined;
    if (known === undefined || known === type) continue;
    return `field type conflict: input field ${quoteGo(name)} on measurement ${quoteGo(measurement)} is type ${typeNames.get(type)}, already exists as type ${typeNames.get(known)}`;
  }
  if (isNew && decides)
    for (const { name, type } of fields) index.decideFieldType(measurement, name, type);
  return undefined;
}

/** Of types that somebody has told those of fields that a batch has. */
export function toldOf<Told extends { readonly measurement: string; readonly name: string }>(
  { shapes }: PointBatch,
  told: readonly Told[],
): readonly Told[] {
  return told.filter(({ measurement, name }) => shapes.some((shape) => shape.measurement === measurement && shape.fields.some((field) => field.name === name))); // prettier-ignore
}
