/** Reducers that keep one state per window and answer with one value at its start. */
import type { ColumnType } from '../column.ts';
import type {
  AggregateDefinition,
  PlannedCall,
  Points,
  Window,
  WindowReducer,
} from './function.ts';
import { cellAt, noPoints, pointsOf, type Cell } from './cells.ts';
import { checkCount, firstOf } from './checks.ts';

/** What an aggregate does with the values of a window. */
export interface Fold {
  /** Called for each value in order of time. */
  take(value: Cell, timeNs: bigint): void;
  /** The result of the values taken since the last one; undefined for none. Makes room for the next window. */
  result(): Cell | undefined;
  readonly heldBytes: number;
}

/** The same, of columns. */
export interface ColumnFold {
  /** Called in order of time. */
  take(points: Points): void;
  result(): Cell | undefined;
  readonly heldBytes: number;
}

export interface FoldOptions<Kind> {
  readonly name: string;
  readonly resultType: (type: ColumnType) => ColumnType;
  readonly fold: (call: PlannedCall) => Kind;
}

/** An aggregate of one field. */
export function foldFunction({ fold, ...rest }: FoldOptions<Fold>): AggregateDefinition {
  return columnFunction({ ...rest, fold: (call) => new ValueByValue(fold(call)) });
}

/** An aggregate of one field that takes its columns as they are. */
export function columnFunction({
  name,
  resultType,
  fold,
}: FoldOptions<ColumnFold>): AggregateDefinition {
  return {
    kind: 'aggregate',
    name,
    check(args, context) {
      checkCount(name, args, 1);
      context.symbol(name, firstOf(args));
    },
    resultType,
    reducer: (call) => new FoldReducer(fold(call), resultType(call.argumentType)),
  };
}

class ValueByValue implements ColumnFold {
  readonly #fold: Fold;

  constructor(fold: Fold) {
    this.#fold = fold;
  }

  get heldBytes(): number {
    return this.#fold.heldBytes;
  }

  take({ timesNs, values }: Points): void {
    for (let i = 0; i < timesNs.length; i++) this.#fold.take(cellAt(values, i), timesNs[i] ?? 0n);
  }

  result(): Cell | undefined {
    return this.#fold.result();
  }
}

class FoldReducer implements WindowReducer {
  readonly #fold: ColumnFold;
  readonly #type: ColumnType;

  constructor(fold: ColumnFold, type: ColumnType) {
    this.#fold = fold;
    this.#type = type;
  }

  get heldBytes(): number {
    return 128 + this.#fold.heldBytes;
  }

  add(points: Points): void {
    this.#fold.take(points);
  }

  finish({ startNs }: Window): Points {
    const result = this.#fold.result();
    return result === undefined ? noPoints(this.#type) : pointsOf(this.#type, [startNs], [result]);
  }
}
