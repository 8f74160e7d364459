/** moving_average(): the mean of each point and the n - 1 before it. Sums of integers wrap, as in the reference. */
import type { ColumnType } from '../column.ts';
import { cellAt, noPoints, pointsOf, type Cell } from './cells.ts';
import { checkStreamArgument, goTypeOf, integerArgument, invalid, numbersOnly } from './checks.ts';
import type { Points, Transformation, TransformationDefinition } from './function.ts';

export const movingAverageFunction: TransformationDefinition = {
  kind: 'transformation',
  name: 'moving_average',
  check(args, context) {
    const count = args[1];
    if (args.length !== 2 || count === undefined)
      throw invalid(
        `invalid number of arguments for moving_average, expected 2, got ${args.length}`,
      );
    if (count.kind !== 'integer')
      throw invalid(
        `second argument for moving_average must be an integer, got ${goTypeOf(count)}`,
      );
    if (count.value <= 1n)
      throw invalid(`moving_average window must be greater than 1, got ${count.value}`);
    checkStreamArgument('moving_average', args, context);
  },
  resultType(type, [argument]) {
    numbersOnly('moving average', type, argument);
    return 'float';
  },
  extraWindows: () => 1,
  transformation: ({ args, argumentType }) =>
    new MovingAverage(argumentType, integerArgument(args, 1, 2)),
};

class MovingAverage implements Transformation {
  readonly #type: ColumnType;
  readonly #count: number;
  /** A ring once it has `count` values: a wish for a billion costs nothing before so many points came. */
  readonly #held: Cell[] = [];
  #at = 0;
  #sum: Cell;

  constructor(type: ColumnType, count: number) {
    this.#type = type;
    this.#count = count;
    this.#sum = type === 'float' ? 0 : 0n;
  }

  get heldBytes(): number {
    return 64 + this.#held.length * 32;
  }

  push({ timesNs, values }: Points): Points {
    const times: bigint[] = [];
    const means: number[] = [];
    for (let i = 0; i < timesNs.length; i++) {
      const value = cellAt(values, i);
      if (this.#held.length < this.#count) this.#held.push(value);
      else {
        this.#sum = this.#add(this.#sum, this.#held[this.#at] ?? 0, -1);
        this.#held[this.#at] = value;
        this.#at = (this.#at + 1) % this.#count;
      }
      this.#sum = this.#add(this.#sum, value, 1);
      if (this.#held.length < this.#count) continue;
      times.push(timesNs[i] ?? 0n);
      means.push(Number(this.#sum) / this.#count);
    }
    return pointsOf('float', times, means);
  }

  finish(): Points {
    return noPoints('float');
  }

  #add(sum: Cell, value: Cell, sign: 1 | -1): Cell {
    if (typeof sum !== 'bigint' || typeof value !== 'bigint')
      return (sum as number) + sign * (value as number);
    const next = sign === 1 ? sum + value : sum - value;
    return this.#type === 'unsigned' ? BigInt.asUintN(64, next) : BigInt.asIntN(64, next);
  }
}
