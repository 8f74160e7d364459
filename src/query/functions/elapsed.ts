/** elapsed(): time from each point to the next, in whole units (its second argument, else a nanosecond). Between the ends of time it wraps. */
import { noPoints, pointsOf } from './cells.ts';
import { checkCountBetween, checkStreamArgument, checkUnit, goTypeOf, unitNs } from './checks.ts';
import type { Points, Transformation, TransformationDefinition } from './function.ts';

export const elapsedFunction: TransformationDefinition = {
  kind: 'transformation',
  name: 'elapsed',
  check(args, context) {
    checkCountBetween('elapsed', args, [1, 2]);
    const unit = args[1];
    if (unit !== undefined)
      checkUnit(args, `second argument to elapsed must be a duration, got ${goTypeOf(unit)}`);
    checkStreamArgument('elapsed', args, context);
  },
  resultType: () => 'integer',
  extraWindows: () => 1,
  transformation: (call) => new Elapsed(unitNs(call, 1n)),
};

class Elapsed implements Transformation {
  readonly heldBytes = 64;
  readonly #unitNs: bigint;
  #timeNs: bigint | undefined;

  constructor(unit: bigint) {
    this.#unitNs = unit;
  }

  push({ timesNs }: Points): Points {
    const times: bigint[] = [];
    const elapsed: bigint[] = [];
    for (const timeNs of timesNs) {
      if (this.#timeNs !== undefined) {
        times.push(timeNs);
        elapsed.push(BigInt.asIntN(64, timeNs - this.#timeNs) / this.#unitNs);
      }
      this.#timeNs = timeNs;
    }
    return pointsOf('integer', times, elapsed);
  }

  finish(): Points {
    return noPoints('integer');
  }
}
