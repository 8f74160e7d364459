import { DbError } from '../../base/errors.ts';
import type { CastType, Expr } from '../../influxql/ast.ts';
import { callType, type CallName } from '../assemble/calls.ts';
import type { RowsColumn } from '../fragment.ts';
import type { SourceFieldType } from '../source.ts';
import type { CompiledInput } from './compile-outputs.ts';
import type { SelectedCall, SelectedColumn } from './expand-fields.ts';
import type { MeasurementSchema } from './schema.ts';

/** No series has a tag without a name, so that this column is null in every row. */
const nullColumn: RowsColumn = { kind: 'tag', name: '' };

/** A field or tag of the select list as it is read at the shards. */
export function columnInput(
  { name, of, cast }: SelectedColumn,
  schema: MeasurementSchema,
): CompiledInput & { readonly column: RowsColumn } {
  const stored = of === 'tag' ? undefined : schema.fields.get(name);
  if (stored === undefined) {
    const isTag = of === 'tag' && schema.tagKeys.has(name);
    const column: RowsColumn = of === 'tag' ? { kind: 'tag', name } : nullColumn;
    const type = isTag ? ('tag' as const) : undefined;
    return { column, type, printed: { kind: 'ref', name, type }, isCut: false };
  }
  const { type, isCut } = castOf(stored, cast);
  const printed: Expr = { kind: 'ref', name, type };
  if (type === undefined) return { column: nullColumn, type, printed, isCut };
  return { column: { kind: 'field', name, type: isCut ? stored : type }, type, printed, isCut };
}

/** A call of the select list: the field that it reads and the type in which it does. */
export function callInput(
  { call, field, cast }: SelectedCall,
  schema: MeasurementSchema,
): {
  readonly call: CallName;
  readonly field: string;
  readonly type: SourceFieldType;
  readonly isKnown: boolean;
  readonly result: CompiledInput;
} {
  const stored = cast === 'tag' ? undefined : schema.fields.get(field);
  const { type, isCut } =
    stored === undefined ? { type: undefined, isCut: false } : castOf(stored, cast);
  if (isCut)
    throw new DbError('unsupported', `a cast to integer inside ${call}() is not supported in this version`); // prettier-ignore
  const printed: Expr = { kind: 'call', name: call, args: [{ kind: 'ref', name: field, type }] };
  const result = { type: type && callType(call, type), printed, isCut: false };
  // A field without a name is in no shard either.
  const name = stored !== undefined && type === undefined ? '' : field;
  return { call, field: name, type: type ?? 'float', isKnown: type !== undefined, result };
}

/** Only numbers are converted; any other cast leaves nothing (spec 6.3). */
function castOf(
  stored: SourceFieldType,
  cast: CastType | undefined,
): { readonly type: SourceFieldType | undefined; readonly isCut: boolean } {
  if (cast === undefined || cast === 'field' || cast === stored)
    return { type: stored, isCut: false };
  const isNumber = stored === 'float' || stored === 'integer' || stored === 'unsigned';
  if (isNumber && cast === 'float') return { type: 'float', isCut: false };
  if (stored === 'float' && cast === 'integer') return { type: 'integer', isCut: true };
  if (isNumber && (cast === 'integer' || cast === 'unsigned'))
    throw new DbError('unsupported', `a cast to ${cast} is not supported in this version`);
  return { type: undefined, isCut: false };
}
