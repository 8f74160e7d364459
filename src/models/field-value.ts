/** Types of fields with the codes of TSM blocks (spec 9). */
export const FieldType = { float: 0, integer: 1, boolean: 2, string: 3, unsigned: 4 } as const;
export type FieldType = (typeof FieldType)[keyof typeof FieldType];

/** One value with its type; integers are exact over all of int64. */
export type FieldValue =
  | { readonly type: 'float'; readonly value: number }
  | { readonly type: 'integer'; readonly value: bigint }
  | { readonly type: 'unsigned'; readonly value: bigint }
  | { readonly type: 'boolean'; readonly value: boolean }
  /** As exactTextOf() gives it. */
  | { readonly type: 'string'; readonly value: string };
