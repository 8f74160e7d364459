/**
 * difference() and non_negative_difference(): what each point adds to the one before it. A point of the same time as the
 * one before is passed over. Integers wrap, as in the reference.
 */
import type { ColumnType } from '../column.ts';
import { cellAt, noPoints, pointsOf, type Cell } from './cells.ts';
import { checkCount, checkStreamArgument, numbersOnly } from './checks.ts';
import type { Points, Transformation, TransformationDefinition } from './function.ts';

export function differenceFunction(
  name: 'difference' | 'non_negative_difference',
): TransformationDefinition {
  return {
    kind: 'transformation',
    name,
    check(args, context) {
      if (args.length !== 1) checkCount(name, args, 1);
      checkStreamArgument(name, args, context);
    },
    resultType(type, [argument]) {
      numbersOnly('difference', type, argument);
      return type;
    },
    extraWindows: () => 1,
    transformation: ({ argumentType }) =>
      new Difference(argumentType, name === 'non_negative_difference'),
  };
}

class Difference implements Transformation {
  readonly heldBytes = 64;
  readonly #type: ColumnType;
  readonly #isNonNegative: boolean;
  #timeNs: bigint | undefined;
  #value: Cell;

  constructor(type: ColumnType, isNonNegative: boolean) {
    this.#type = type;
    this.#isNonNegative = isNonNegative;
    this.#value = type === 'float' ? 0 : 0n;
  }

  push({ timesNs, values }: Points): Points {
    const times: bigint[] = [];
    const cells: Cell[] = [];
    for (let i = 0; i < timesNs.length; i++) {
      const timeNs = timesNs[i] ?? 0n;
      if (timeNs === this.#timeNs) continue;
      const value = cellAt(values, i);
      const change = subtract(this.#type, value, this.#value);
      // Of signed integers the change tells, which may have wrapped; of unsigned ones the values do.
      const isNegative = this.#type === 'unsigned' ? value < this.#value : Number(change) < 0;
      if (this.#timeNs !== undefined && !(this.#isNonNegative && isNegative)) {
        times.push(timeNs);
        cells.push(change);
      }
      this.#timeNs = timeNs;
      this.#value = value;
    }
    return pointsOf(this.#type, times, cells);
  }

  finish(): Points {
    return noPoints(this.#type);
  }
}

function subtract(type: ColumnType, value: Cell, before: Cell): Cell {
  if (typeof value !== 'bigint' || typeof before !== 'bigint')
    return (value as number) - (before as number);
  return type === 'unsigned'
    ? BigInt.asUintN(64, value - before)
    : BigInt.asIntN(64, value - before);
}
