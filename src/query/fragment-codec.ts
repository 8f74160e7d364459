/**
 * How fragments and their blocks travel: plain data in the block of rpc/message.ts, columns as raw bytes that are read as
 * views. What a node is sent is checked here, field by field; a new field of a fragment gets a row in these tables.
 *
 * Depth is bounded too: whatever walks a predicate may do so by recursion.
 */
import { checked, count, flag, int64, list, oneOf, optional, plain, refused, text, type Field } from '../proto/field.ts'; // prettier-ignore
import { decodeMessage, encodeMessage } from '../rpc/message.ts';
import type { Column } from './column.ts';
import type { Fragment, RowSeries, RowsBlock, WindowsBlock } from './fragment.ts';
import type { Operand, Predicate } from './predicate.ts';
import { checkProgramPredicate } from './program-codec.ts';
import { checkValue } from './value-codec.ts';

const shardsMax = 1_000_000;
const columnsMax = 1_000_000;
const groupKeysMax = 65_536;
const blocksMax = 65_536;
const blockRowsMax = 1_000_000;
/** Of the predicate's tree, counted from its root. */
export const predicateDepthMax = 4_096;
const patternLengthMax = 1 << 20;

const name = text();
const names = (max: number) => list(name, { max });
const type = oneOf(['float', 'integer', 'unsigned', 'boolean', 'string']);
const part = oneOf(['count', 'sum', 'min', 'max', 'first', 'last']);

const rowsColumn = byKind({
  field: plain({ name, type }),
  tag: plain({ name }),
});
const windowsField = checked(plain({ name, type, parts: list(part, { max: 6 }) }));

const task = byKind({
  rows: plain({
    columns: list(rowsColumn, { max: columnsMax }),
    rowsMax: count(),
    shardRowsMax: optional(count()),
    seriesRowsMax: optional(count()),
    neededColumn: optional(count()),
    showsSeries: optional(flag),
  }),
  windows: plain({
    fields: list(windowsField, { max: columnsMax }),
    intervalNs: int64,
    offsetNs: int64,
    windowsMax: optional(count({ min: 1 })),
  }),
  costs: plain({ fields: list(checked(plain({ name, type })), { max: columnsMax }) }),
} satisfies Record<Fragment['task']['kind'], unknown>);

/** Of a fragment all but its shards, which travel beside it. */
const checkPlan = plain({
  version: count(),
  measurement: name,
  minTimeNs: int64,
  maxTimeNs: int64,
  ascending: flag,
  groupBy: names(groupKeysMax),
  predicate: optional(checked(checkPredicate)),
  seriesMax: optional(count()),
  pointsMax: optional(count()),
  task,
});

export type FragmentPlan = Omit<Fragment, 'shardIds'>;

export function encodePlan(plan: FragmentPlan): Uint8Array {
  return encodeMessage(plan);
}

/** Throws `corrupt` and `invalid_argument`. */
export function decodePlan(bytes: Uint8Array): FragmentPlan {
  return checkPlan(decodeMessage(bytes), 'plan') as FragmentPlan;
}

export function encodePredicate(predicate: Predicate): Uint8Array {
  return encodeMessage(predicate);
}

/** Throws `corrupt` and `invalid_argument`. */
export function decodePredicate(bytes: Uint8Array): Predicate {
  return checkPredicate(decodeMessage(bytes), 'predicate');
}

export function encodeBlocks(blocks: readonly (RowsBlock | WindowsBlock)[]): Uint8Array {
  return encodeMessage(blocks);
}

/** Columns are views of `bytes`. Throws `corrupt` and `invalid_argument`. */
export function decodeBlocks(bytes: Uint8Array): readonly (RowsBlock | WindowsBlock)[] {
  return list(block, { max: blocksMax }).fromWire(decodeMessage(bytes), 'blocks') as never;
}

export const shardIds: Field<readonly number[]> = list(count({ min: 1 }), { max: shardsMax });

type Check = (value: unknown, name: string) => unknown;

/** Plain data that is of one of some kinds, each with its own fields. */
function byKind(kinds: Readonly<Record<string, Check>>): Field<unknown> {
  return checked((value, path) => {
    const kind = kindOf(value);
    const check = Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
    if (check === undefined) throw refused(path, 'is of a kind that is not known');
    return { kind, ...(check(value, path) as object) };
  });
}

function kindOf(value: unknown): string {
  const { kind } = (value ?? {}) as { readonly kind?: unknown };
  return typeof kind === 'string' ? kind : '';
}

type Node = Readonly<Record<string, unknown>>;
const compareOperator = oneOf(['=', '!=', '<', '<=', '>', '>=']);
const pattern = text({ lengthMax: patternLengthMax });

/** Walks the tree without recursion: its depth is what is not known yet. */
function checkPredicate(root: unknown, path: string): Predicate {
  const waiting: { readonly node: unknown; readonly isOperand: boolean; readonly depth: number }[] =
    [{ node: root, isOperand: false, depth: 1 }];
  for (let at = waiting.pop(); at !== undefined; at = waiting.pop()) {
    if (at.depth > predicateDepthMax) throw refused(path, 'is nested too deep');
    const { node, depth } = at;
    if (typeof node !== 'object' || node === null) throw refused(path, 'has a part that is none');
    const inner = at.isOperand ? operandsOf(node as Node, path) : partsOf(node as Node, path);
    for (const [key, isOperand] of inner)
      waiting.push({ node: (node as Node)[key], isOperand, depth: depth + 1 });
  }
  return root as Predicate;
}

type Inner = readonly (readonly [key: string, isOperand: boolean])[];

function partsOf(node: Node, path: string): Inner {
  switch (node['kind'] as Predicate['kind']) {
    case 'and':
    case 'or':
      return [['left', false], ['right', false]]; // prettier-ignore
    case 'constant':
      flag.fromWire(node['value'], path);
      return [];
    case 'compare':
      compareOperator.fromWire(node['operator'], path);
      return [['left', true], ['right', true]]; // prettier-ignore
    case 'match':
      pattern.fromWire(node['pattern'], path);
      flag.fromWire(node['negated'], path);
      return [['operand', true]];
    case 'program':
      checkProgramPredicate(node, path);
      return [];
    default:
      throw refused(path, 'has a part of a kind that is not known');
  }
}

function operandsOf(node: Node, path: string): Inner {
  switch (node['kind'] as Operand['kind']) {
    case 'field':
    case 'tag':
      name.fromWire(node['name'], path);
      return [];
    case 'constant':
      checkValue(node['value'], path);
      return [];
    default:
      throw refused(path, 'has an operand of a kind that is not known');
  }
}

const arrayKinds = {
  float: Float64Array,
  integer: BigInt64Array,
  unsigned: BigUint64Array,
  boolean: Uint8Array,
} as const;

const column = checked((value, path): Column => {
  const { type: given, values, valid } = (value ?? {}) as Node;
  const known = type.fromWire(given, path);
  const isGood =
    known === 'string' ? isStrings(values) : values instanceof (arrayKinds[known] as never);
  if (!isGood) throw refused(path, 'has values of another type');
  if (valid !== undefined && !(valid instanceof Uint8Array && valid.length === rowsOf(value)))
    throw refused(path, 'has marks for other rows');
  return value as Column;
});
const times = checked((value, path): BigInt64Array => {
  if (!(value instanceof BigInt64Array)) throw refused(path, 'is no list of times');
  return value;
});
const selected = checked(plain({ timesNs: times, values: column }));
const summary = checked(
  plain({
    startsNs: times,
    counts: times,
    sums: optional(column),
    mins: optional(selected),
    maxs: optional(selected),
    firsts: optional(selected),
    lasts: optional(selected),
  }),
);

const rowSeries = checked((value, path): RowSeries => {
  const keys = names(blockRowsMax).fromWire(((value ?? {}) as Node)['keys'], path);
  const { at } = (value ?? {}) as Node;
  if (!(at instanceof Uint32Array) || at.some((one) => one >= keys.length))
    throw refused(path, 'has rows of no series');
  return { keys, at };
});

const block = byKind({
  rows: (value, path) => {
    const checkedBlock = plain({
      group: names(groupKeysMax),
      timesNs: times,
      columns: list(column, { max: columnsMax }),
      series: optional(rowSeries),
    })(value, path);
    for (const one of checkedBlock.columns)
      if (rowsOf(one) !== checkedBlock.timesNs.length) throw refused(path, 'has uneven columns');
    if (
      checkedBlock.series !== undefined &&
      checkedBlock.series.at.length !== checkedBlock.timesNs.length
    )
      throw refused(path, 'has series of other rows');
    return checkedBlock;
  },
  windows: plain({ group: names(groupKeysMax), fields: list(summary, { max: columnsMax }) }),
});

function isStrings(values: unknown): boolean {
  const { offsets, bytes } = (values ?? {}) as Node;
  if (!(offsets instanceof Uint32Array) || !(bytes instanceof Uint8Array)) return false;
  let last = 0;
  for (const offset of offsets) {
    if (offset < last) return false;
    last = offset;
  }
  return offsets.length > 0 && last <= bytes.length;
}

function rowsOf(value: unknown): number {
  const { values } = value as Column;
  return 'offsets' in values ? values.offsets.length - 1 : values.length;
}
