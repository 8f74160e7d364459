/** cumulative_sum(): the sum of each point and all before it. Integers wrap, as in the reference. */
import type { ColumnType } from '../column.ts';
import { cellAt, noPoints, pointsOf, type Cell } from './cells.ts';
import { checkStreamArgument, invalid, numbersOnly } from './checks.ts';
import type { Points, Transformation, TransformationDefinition } from './function.ts';

export const cumulativeSumFunction: TransformationDefinition = {
  kind: 'transformation',
  name: 'cumulative_sum',
  check(args, context) {
    if (args.length !== 1)
      throw invalid(
        `invalid number of arguments for cumulative_sum, expected 1, got ${args.length}`,
      );
    checkStreamArgument('cumulative_sum', args, context);
  },
  resultType(type, [argument]) {
    numbersOnly('cumulative sum', type, argument);
    return type;
  },
  extraWindows: () => 0,
  transformation: ({ argumentType }) => new CumulativeSum(argumentType),
};

class CumulativeSum implements Transformation {
  readonly heldBytes = 64;
  readonly #type: ColumnType;
  #sum: Cell;

  constructor(type: ColumnType) {
    this.#type = type;
    this.#sum = type === 'float' ? 0 : 0n;
  }

  push({ timesNs, values }: Points): Points {
    const sums: Cell[] = [];
    for (let i = 0; i < timesNs.length; i++) {
      this.#sum = addWrapping(this.#type, this.#sum, cellAt(values, i));
      sums.push(this.#sum);
    }
    return pointsOf(this.#type, [...timesNs], sums);
  }

  finish(): Points {
    return noPoints(this.#type);
  }
}

/** The sum of two cells of a number type. */
export function addWrapping(type: ColumnType, left: Cell, right: Cell): Cell {
  if (typeof left !== 'bigint' || typeof right !== 'bigint')
    return (left as number) + (right as number);
  return type === 'unsigned' ? BigInt.asUintN(64, left + right) : BigInt.asIntN(64, left + right);
}
