import type { CastType } from '../../influxql/ast.ts';
import type { ColumnType } from '../column.ts';

/** What a name or an expression is known to be; undefined where no source knows it. */
export type DataType = CastType | undefined;

/** From the lowest to the highest: where shards or sources differ, the highest holds (trap 40). */
const ranks: readonly DataType[] = [
  undefined,
  'field',
  'tag',
  'duration',
  'time',
  'boolean',
  'string',
  'unsigned',
  'integer',
  'float',
];

export function higherType(left: DataType, right: DataType): DataType {
  return ranks.indexOf(right) > ranks.indexOf(left) ? right : left;
}

/** The column that holds values of a type; unknown names have columns of nulls. */
export function columnTypeOf(type: DataType): ColumnType {
  switch (type) {
    case 'integer':
    case 'unsigned':
    case 'boolean':
    case 'string':
      return type;
    case 'tag':
      return 'string';
    default:
      return 'float';
  }
}

/** As the reference prints it in errors. */
export function typeText(type: DataType): string {
  return type ?? 'unknown';
}
