/**
 * The functions of technical analysis: NAME(field or call, period [, hold period [, warmup type]]). The first `hold
 * period` points are not shown; -1, or none given, stands for what the running number needs to be warm.
 */
import type { Expr } from '../../influxql/ast.ts';
import { doublesOf, noPoints, pointsOf } from './cells.ts';
import {
  checkCountBetween,
  checkStreamArgument,
  integerArgument,
  invalid,
  numbersOnly,
} from './checks.ts';
import type { PlannedCall, Points, Transformation, TransformationDefinition } from './function.ts';
import {
  DoubleExponentialAverage,
  ExponentialAverage,
  RelativeStrengthIndex,
  SmoothMomentumOscillator,
  TripleExponentialAverage,
  TripleExponentialDerivative,
  type RunningNumber,
  type Warmup,
} from './technical-averages.ts';
import { AdaptiveAverage, EfficiencyRatio, MomentumOscillator } from './technical-rings.ts';

type WarmupArgument = Warmup | 'none';

interface Kind {
  readonly name: string;
  /** 3 for those without a warmup type. */
  readonly argumentsMax: 3 | 4;
  readonly warmups: readonly WarmupArgument[];
  readonly holdLeast: 0 | 1;
  /** Infinite results are not shown. */
  readonly isFiniteOnly: boolean;
  readonly make: (period: number, warmup: WarmupArgument | undefined) => RunningNumber;
}

const usual = {
  argumentsMax: 4,
  warmups: ['exponential', 'simple'],
  holdLeast: 0,
  isFiniteOnly: false,
} as const;

/** The warmup of an average where the call names none. */
function averageWarmup(warmup: WarmupArgument | undefined): Warmup {
  return warmup === 'simple' ? 'simple' : 'exponential';
}

const kinds: readonly Kind[] = [
  {
    ...usual,
    name: 'exponential_moving_average',
    make: (period, warmup) => new ExponentialAverage(period, averageWarmup(warmup)),
  },
  {
    ...usual,
    name: 'double_exponential_moving_average',
    make: (period, warmup) => new DoubleExponentialAverage(period, averageWarmup(warmup)),
  },
  {
    ...usual,
    name: 'triple_exponential_moving_average',
    make: (period, warmup) => new TripleExponentialAverage(period, averageWarmup(warmup)),
  },
  {
    ...usual,
    name: 'relative_strength_index',
    make: (period, warmup) => new RelativeStrengthIndex(period, averageWarmup(warmup)),
  },
  {
    ...usual,
    name: 'triple_exponential_derivative',
    holdLeast: 1,
    isFiniteOnly: true,
    make: (period, warmup) => new TripleExponentialDerivative(period, averageWarmup(warmup)),
  },
  {
    ...usual,
    name: 'kaufmans_efficiency_ratio',
    argumentsMax: 3,
    isFiniteOnly: true,
    make: (period) => new EfficiencyRatio(period),
  },
  {
    ...usual,
    name: 'kaufmans_adaptive_moving_average',
    argumentsMax: 3,
    isFiniteOnly: true,
    make: (period) => new AdaptiveAverage(period),
  },
  {
    ...usual,
    name: 'chande_momentum_oscillator',
    warmups: ['none', 'exponential', 'simple'],
    make: (period, warmup) =>
      warmup === undefined || warmup === 'none'
        ? new MomentumOscillator(period)
        : new SmoothMomentumOscillator(period, warmup),
  },
];

export const technicalFunctions: readonly TransformationDefinition[] = kinds.map((kind) => ({
  kind: 'transformation',
  name: kind.name,
  check(args, context) {
    checkArguments(kind, args);
    // A distinct() inside counts as one of the list, which stands beside nothing.
    const nested = (expr: Expr): void => {
      context.alone(expr);
    };
    checkStreamArgument(kind.name, args, { ...context, nested });
  },
  resultType(type, [argument]) {
    numbersOnly(kind.name.replaceAll('_', ' '), type, argument);
    return 'float';
  },
  extraWindows: () => 1,
  transformation: (call) => new Technical(kind, call),
}));

function checkArguments({ name, argumentsMax, warmups, holdLeast }: Kind, args: readonly Expr[]) {
  checkCountBetween(name, args, [2, argumentsMax]);
  const [, period, hold, warmup] = args;
  if (period?.kind !== 'integer') throw invalid(`${name} period must be an integer`);
  if (period.value < 1n) throw invalid(`${name} period must be greater than or equal to 1`);
  if (hold !== undefined) {
    if (hold.kind !== 'integer') throw invalid(`${name} hold period must be an integer`);
    if (hold.value < BigInt(holdLeast) && hold.value !== -1n)
      throw invalid(`${name} hold period must be greater than or equal to ${holdLeast}`);
  }
  if (warmup === undefined) return;
  if (warmup.kind !== 'string') throw invalid(`${name} warmup type must be a string`);
  if (!(warmups as readonly string[]).includes(warmup.value))
    throw invalid(
      `${name} warmup type must be one of: ${warmups.map((one) => `'${one}'`).join(' ')}`,
    );
}

class Technical implements Transformation {
  readonly #number: RunningNumber & { readonly heldBytes?: number };
  readonly #isFiniteOnly: boolean;
  readonly #holdPeriod: number;
  #count = 0;

  constructor({ make, isFiniteOnly }: Kind, { args }: PlannedCall) {
    const warmup = args[3]?.kind === 'string' ? (args[3].value as WarmupArgument) : undefined;
    this.#number = make(integerArgument(args, 1, 1), warmup);
    this.#isFiniteOnly = isFiniteOnly;
    const hold = integerArgument(args, 2, -1);
    this.#holdPeriod = hold === -1 ? this.#number.warmCount : hold;
  }

  get heldBytes(): number {
    return 256 + (this.#number.heldBytes ?? 0);
  }

  push({ timesNs, values }: Points): Points {
    const times: bigint[] = [];
    const results: number[] = [];
    const doubles = doublesOf(values);
    for (let i = 0; i < timesNs.length; i++) {
      const result = this.#number.next(doubles[i] ?? 0);
      this.#count++;
      const isInfinite = result === Infinity || result === -Infinity;
      if (this.#count <= this.#holdPeriod || (this.#isFiniteOnly && isInfinite)) continue;
      times.push(timesNs[i] ?? 0n);
      results.push(result);
    }
    return pointsOf('float', times, results);
  }

  finish(): Points {
    return noPoints('float');
  }
}
