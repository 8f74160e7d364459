import { DbError } from '../../base/errors.ts';
import { goAcos, goAsin, goAtan, goAtan2 } from '../../base/go-math/arc-functions.ts';
import { goExp } from '../../base/go-math/exponential.ts';
import { goLog, goLog10, goLog2 } from '../../base/go-math/logarithm.ts';
import { goPow } from '../../base/go-math/power.ts';
import { goCos, goSin, goTan } from '../../base/go-math/trigonometry.ts';
import { typeText, type DataType } from './data-type.ts';

/**
 * Functions of one row's values (spec 6.4), which may stand around calls and references and in conditions. What is no
 * number gives null; results of floats are IEEE, NaN shows as null in an answer.
 */
export type MathName =
  | 'abs'
  | 'acos'
  | 'asin'
  | 'atan'
  | 'atan2'
  | 'ceil'
  | 'cos'
  | 'exp'
  | 'floor'
  | 'ln'
  | 'log'
  | 'log10'
  | 'log2'
  | 'pow'
  | 'round'
  | 'sin'
  | 'sqrt'
  | 'tan';

const argumentCounts: ReadonlyMap<string, number> = new Map<MathName, number>([
  ['abs', 1],
  ['acos', 1],
  ['asin', 1],
  ['atan', 1],
  ['atan2', 2],
  ['ceil', 1],
  ['cos', 1],
  ['exp', 1],
  ['floor', 1],
  ['ln', 1],
  ['log', 2],
  ['log10', 1],
  ['log2', 1],
  ['pow', 2],
  ['round', 1],
  ['sin', 1],
  ['sqrt', 1],
  ['tan', 1],
]);

export function isMathFunction(name: string): name is MathName {
  return argumentCounts.has(name);
}

export function takesArguments(name: MathName, count: number): boolean {
  return count === (argumentCounts.get(name) ?? 1);
}

/** Throws the reference's text unless so many arguments are right. */
export function checkMathArguments(name: MathName, count: number): void {
  const wanted = argumentCounts.get(name) ?? 1;
  if (!takesArguments(name, count))
    throw new DbError('invalid_argument', `invalid number of arguments for ${name}, expected ${wanted}, got ${count}`); // prettier-ignore
}

/** The type of the result; throws the reference's text where it takes no such argument. */
export function mathType(name: MathName, args: readonly DataType[]): DataType {
  const keepsType = name === 'abs' || name === 'ceil' || name === 'floor' || name === 'round';
  const isFloatOnly = name === 'asin' || name === 'acos';
  const isUntyped = name === 'log' && args.length > 1;
  args.forEach((type, i) => {
    if (isUntyped && i > 0) return;
    const isNumber = type === 'float' || type === 'integer' || type === 'unsigned';
    const isTaken = type === undefined || (isFloatOnly ? type === 'float' : isNumber);
    if (!isTaken)
      throw new DbError(
        'invalid_argument',
        `invalid argument type for the ${i === 0 ? 'first' : 'second'} argument in ${name}(): ${typeText(type)}`,
      );
  });
  return keepsType ? args[0] : 'float';
}

/** The result for numbers; integers stay exact where the function leaves them as they are. */
export function evaluateMath(
  name: MathName,
  args: readonly (number | bigint)[],
  isUnsigned: boolean,
): number | bigint {
  const [first = 0, second = 0] = args;
  if (typeof first === 'bigint') {
    if (name === 'ceil' || name === 'floor' || name === 'round') return first;
    if (name === 'abs') return isUnsigned || first >= 0n ? first : BigInt.asIntN(64, -first);
  }
  return floatFunctions[name](Number(first), Number(second));
}

/** JavaScript's own have other last digits for many values. */
const floatFunctions: Readonly<Record<MathName, (x: number, y: number) => number>> = {
  abs: (x) => Math.abs(x),
  acos: goAcos,
  asin: goAsin,
  atan: goAtan,
  atan2: goAtan2,
  ceil: (x) => Math.ceil(x),
  cos: goCos,
  exp: goExp,
  floor: (x) => Math.floor(x),
  ln: goLog,
  log: (x, y) => goLog(x) / goLog(y),
  log10: goLog10,
  log2: goLog2,
  pow: goPow,
  round: roundHalfAway,
  sin: goSin,
  sqrt: (x) => Math.sqrt(x),
  tan: goTan,
};

/** Halves go away from zero. */
function roundHalfAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}
