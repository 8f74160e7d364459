/** count(), sum(), mean(), spread() of a stream that was not summed up where the shards are. */
import { isCall } from './distinct.ts';
import { addWrapping } from './cumulative-sum.ts';
import type { Cell } from './cells.ts';
import { checkCount, firstOf, numbersOnly } from './checks.ts';
import type { AggregateDefinition } from './function.ts';
import { foldFunction, type Fold } from './reducer.ts';

export const sumFunctions: readonly AggregateDefinition[] = [
  countFunction(),
  foldFunction({
    name: 'sum',
    resultType(type) {
      numbersOnly('sum', type);
      return type;
    },
    fold: ({ argumentType }) => {
      const zero = argumentType === 'float' ? 0 : 0n;
      let sum: Cell = zero;
      return folding(
        (value) => (sum = addWrapping(argumentType, sum, value)),
        () => {
          const result = sum;
          sum = zero;
          return result;
        },
      );
    },
  }),
  foldFunction({
    name: 'mean',
    resultType(type) {
      numbersOnly('mean', type);
      return 'float';
    },
    fold: ({ argumentType }) => {
      const zero = argumentType === 'float' ? 0 : 0n;
      let sum: Cell = zero;
      let count = 0;
      return folding(
        (value) => {
          sum = addWrapping(argumentType, sum, value);
          count++;
        },
        () => {
          const result = count === 0 ? undefined : Number(sum) / count;
          sum = zero;
          count = 0;
          return result;
        },
      );
    },
  }),
  foldFunction({
    name: 'spread',
    resultType(type) {
      numbersOnly('spread', type);
      return type;
    },
    fold: ({ argumentType }) => {
      let least: Cell | undefined;
      let most: Cell | undefined;
      return folding(
        (value) => {
          // One that is no number makes the whole none, whatever comes behind.
          const isNumber = value === value;
          if (least === undefined || value < least || !isNumber) least = value;
          if (most === undefined || value > most || !isNumber) most = value;
        },
        () => {
          if (least === undefined || most === undefined) return undefined;
          const result =
            typeof most === 'bigint'
              ? wrap(argumentType, most - BigInt(least))
              : Number(most) - Number(least);
          least = undefined;
          most = undefined;
          return result;
        },
      );
    },
  }),
];

function wrap(type: string, value: bigint): bigint {
  return type === 'unsigned' ? BigInt.asUintN(64, value) : BigInt.asIntN(64, value);
}

/** count() takes distinct() as well as a field. */
function countFunction(): AggregateDefinition {
  const plain = foldFunction({
    name: 'count',
    resultType: () => 'integer',
    fold: () => {
      let count = 0n;
      return folding(
        () => count++,
        () => {
          const result = count;
          count = 0n;
          return result;
        },
      );
    },
  });
  return {
    ...plain,
    check(args, context) {
      checkCount('count', args, 1);
      const argument = firstOf(args);
      if (isCall(argument, 'distinct')) context.nested(argument);
      else context.symbol('count', argument);
    },
  };
}

function folding(take: (value: Cell) => unknown, result: () => Cell | undefined): Fold {
  return { take, result, heldBytes: 64 };
}
