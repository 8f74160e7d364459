import { DbError } from '../../base/errors.ts';
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

const floatFunctions: Readonly<Record<MathName, (x: number, y: number) => number>> = {
  abs: (x) => Math.abs(x),
  acos: (x) => Math.acos(x),
  asin: (x) => Math.asin(x),
  atan: (x) => Math.atan(x),
  atan2: (x, y) => Math.atan2(x, y),
  ceil: (x) => Math.ceil(x),
  cos: (x) => Math.cos(x),
  exp: (x) => Math.exp(x),
  floor: (x) => Math.floor(x),
  ln: (x) => Math.log(x),
  log: (x, y) => Math.log(x) / Math.log(y),
  // As the reference has it, which shows at powers of ten: of 1e15 it is 14.999999999999998.
  log10: (x) => Math.log(x) * Math.LOG10E,
  log2: binaryLog,
  pow: power,
  round: roundHalfAway,
  sin: (x) => Math.sin(x),
  sqrt: (x) => Math.sqrt(x),
  tan: (x) => Math.tan(x),
};

/** C's pow: 1 to any power and -1 to an infinite one are 1, where JavaScript has NaN. */
function power(base: number, exponent: number): number {
  if (base === 1) return 1;
  if (base === -1 && Math.abs(exponent) === Number.POSITIVE_INFINITY) return 1;
  return base ** exponent;
}

/** Halves go away from zero. */
function roundHalfAway(x: number): number {
  const whole = Math.trunc(x);
  return Math.abs(x - whole) >= 0.5 ? whole + Math.sign(x) : whole;
}

const double = new DataView(new ArrayBuffer(8));
const exponentBits = 0x7ff0;
/** The exponent, in its place, of what is from a half to one. */
const halfExponent = 1022 << 4;

/** By the exponent and the logarithm of what is left, between a half and one, as in the reference. */
function binaryLog(x: number): number {
  if (!(x >= Number.MIN_VALUE && x < Number.POSITIVE_INFINITY)) return Math.log2(x);
  // Numbers too small for an exponent of their own are made larger first.
  const isTiny = x < 2 ** -1022;
  double.setFloat64(0, isTiny ? x * 2 ** 52 : x);
  const high = double.getUint16(0);
  const exponent = ((high & exponentBits) - halfExponent) / 16 - (isTiny ? 52 : 0);
  double.setUint16(0, (high & ~exponentBits) | halfExponent);
  return Math.log(double.getFloat64(0)) * Math.LOG2E + exponent;
}
