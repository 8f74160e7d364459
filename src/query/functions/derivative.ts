/**
 * derivative() and non_negative_derivative(): the rate of change from each point to the next, per unit of time (its
 * second argument, else the interval of GROUP BY time, else a second). A point of the same time as the one before is
 * passed over.
 */
import { cellAt, noPoints, pointsOf, type Cell } from './cells.ts';
import {
  checkCountBetween,
  checkStreamArgument,
  checkUnit,
  goTypeOf,
  numbersOnly,
  unitNs,
} from './checks.ts';
import type { PlannedCall, Points, Transformation, TransformationDefinition } from './function.ts';

const secondNs = 1_000_000_000n;

export function derivativeFunction(
  name: 'derivative' | 'non_negative_derivative',
): TransformationDefinition {
  return {
    kind: 'transformation',
    name,
    check(args, context) {
      checkCountBetween(name, args, [1, 2]);
      const unit = args[1];
      if (unit !== undefined)
        checkUnit(args, `second argument to ${name} must be a duration, got ${goTypeOf(unit)}`);
      checkStreamArgument(name, args, context);
    },
    resultType(type, [argument]) {
      numbersOnly('derivative', type, argument);
      return 'float';
    },
    extraWindows: () => 1,
    transformation: (call) => new Derivative(call, name === 'non_negative_derivative'),
  };
}

class Derivative implements Transformation {
  readonly heldBytes = 64;
  readonly #unitNs: number;
  readonly #sign: number;
  readonly #isNonNegative: boolean;
  #timeNs: bigint | undefined;
  #value: Cell = 0;

  constructor(call: PlannedCall, isNonNegative: boolean) {
    const otherwiseNs = call.intervalNs > 0n ? call.intervalNs : secondNs;
    this.#unitNs = Number(unitNs(call, otherwiseNs));
    this.#sign = call.ascending ? 1 : -1;
    this.#isNonNegative = isNonNegative;
  }

  push({ timesNs, values }: Points): Points {
    const times: bigint[] = [];
    const rates: number[] = [];
    for (let i = 0; i < timesNs.length; i++) {
      const timeNs = timesNs[i] ?? 0n;
      if (timeNs === this.#timeNs) continue;
      const value = cellAt(values, i);
      if (this.#timeNs !== undefined) {
        const change =
          values.type === 'unsigned'
            ? unsignedChange(value as bigint, this.#value as bigint)
            : changeOf(value, this.#value);
        const elapsedNs = this.#sign * Number(timeNs - this.#timeNs);
        if (!(this.#isNonNegative && change < 0)) {
          times.push(timeNs);
          rates.push(change / (elapsedNs / this.#unitNs));
        }
      }
      this.#timeNs = timeNs;
      this.#value = value;
    }
    return pointsOf('float', times, rates);
  }

  finish(): Points {
    return noPoints('float');
  }
}

/** Of integers the exact change rounded once, wrapping as int64 does where it does not fit. */
function changeOf(value: Cell, before: Cell): number {
  if (typeof value !== 'bigint' || typeof before !== 'bigint')
    return (value as number) - (before as number);
  const change = value - before;
  const fits = change >= -(1n << 63n) && change < 1n << 63n;
  return Number(fits ? change : BigInt.asIntN(64, change));
}

/** As the reference has it, that of equal values is a negative zero. */
function unsignedChange(value: bigint, before: bigint): number {
  return value > before ? Number(value - before) : -Number(before - value);
}
