import { fieldOf, numberField } from './random-clauses.ts';
import { freshMeasurements, type FreshMeasurement } from './random-data.ts';
import type { RandomChoice } from './random-choice.ts';

const reducers = ['count', 'sum', 'mean', 'median', 'mode', 'stddev', 'spread', 'min', 'max', 'first', 'last', 'distinct', 'integral']; // prettier-ignore
export const followingNames = ['derivative', 'non_negative_derivative', 'difference', 'non_negative_difference', 'cumulative_sum', 'elapsed']; // prettier-ignore
export const mathFunctions = ['abs', 'ceil', 'floor', 'round', 'sqrt', 'exp', 'ln', 'log2', 'log10', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan']; // prettier-ignore
export const smootherNames = ['exponential_moving_average', 'double_exponential_moving_average', 'triple_exponential_moving_average', 'triple_exponential_derivative', 'relative_strength_index', 'chande_momentum_oscillator']; // prettier-ignore
export const efficiencyNames = ['kaufmans_efficiency_ratio', 'kaufmans_adaptive_moving_average'];
const operators = ['+', '-', '*', '/', '%', '&', '|', '^'];

/** A field as the argument of a call: mostly one of numbers, sometimes what the call refuses. */
function argument(random: RandomChoice, measurement: FreshMeasurement): string {
  if (random.chance(0.06)) return random.of(['*', '/^[nu]/', 'nosuch', '*::field', ...measurement.tags.filter((tag) => !tag.includes(' '))]); // prettier-ignore
  const field = random.chance(0.15) ? fieldOf(random, measurement) : numberField(random, measurement); // prettier-ignore
  return field + random.maybe(0.04, () => `::${random.of(['float', 'integer', 'string', 'boolean', 'field', 'tag'])}`); // prettier-ignore
}

/** An aggregate or a selector. */
export function reducer(random: RandomChoice, measurement: FreshMeasurement): string {
  const field = argument(random, measurement);
  const tags = measurement.tags.filter((tag) => !tag.includes(' '));
  return random.of([
    ...reducers.map((name) => () => `${name}(${field})`),
    () => `percentile(${field}, ${random.of(['5', '50', '99.9', '0', '100', '33'])})`,
    () => `${random.of(['top', 'bottom'])}(${field}, ${random.integer(1, 4)})`,
    () => `${random.of(['top', 'bottom'])}(${field}, ${[...tags.slice(0, 1), random.integer(1, 4)].join(', ')})`, // prettier-ignore
    () => `count(distinct(${field}))`,
    () => `integral(${field}, ${random.of(['1m', '10s'])})`,
    () => `sample(${field}, 2000)`,
  ])();
}

/** A call of a call's or a field's points, one after the other. */
export function transformation(random: RandomChoice, inner: string): string {
  return random.of([
    ...followingNames.map((name) => () => `${name}(${inner})`),
    () => `${random.of(['derivative', 'non_negative_derivative'])}(${inner}, ${random.of(['1s', '10s', '1m', '3h'])})`, // prettier-ignore
    () => `elapsed(${inner}, ${random.of(['1s', '1m', '1ns'])})`,
    () => `moving_average(${inner}, ${random.integer(2, 5)})`,
    () => smoothed(random, inner),
  ])();
}

function smoothed(random: RandomChoice, inner: string): string {
  const period = random.integer(1, 4);
  const hold = random.maybe(0.3, () => `, ${random.integer(-1, 4)}`);
  if (random.chance(0.3)) return `${random.of(efficiencyNames)}(${inner}, ${period}${hold})`;
  const warmup = hold === '' ? '' : random.maybe(0.5, () => `, '${random.of(['exponential', 'simple', 'none'])}'`); // prettier-ignore
  return `${random.of(smootherNames)}(${inner}, ${period}${hold}${warmup})`;
}

export function holtWinters(random: RandomChoice, inner: string): string {
  const name = random.of(['holt_winters', 'holt_winters_with_fit']);
  return `${name}(${inner}, ${random.integer(1, 4)}, ${random.of([0, 1, 2, 3])})`;
}

export function math(random: RandomChoice, inner: string): string {
  return random.of([
    ...mathFunctions.map((name) => () => `${name}(${inner})`),
    () => `pow(${inner}, ${random.of(['2', '0.5', '-1'])})`,
    () => `atan2(${inner}, ${random.of(['2', '0.5', inner])})`,
    () => `log(${inner}, ${random.of(['2', '10'])})`,
  ])();
}

/** Arithmetic over what `leaf` gives. */
export function arithmetic(random: RandomChoice, leaf: () => string, depth = 2): string {
  if (depth === 0 || random.chance(0.3)) return leaf();
  const left = arithmetic(random, leaf, depth - 1);
  const right = random.chance(0.6)
    ? random.of([`${random.integer(1, 9)}`, `${random.integer(0, 90) / 10}`])
    : arithmetic(random, leaf, depth - 1);
  const text = random.chance(0.2) ? `${right} ${random.of(operators)} ${left}` : `${left} ${random.of(operators)} ${right}`; // prettier-ignore
  return random.of([text, `(${text})`, random.chance(0.2) ? `-(${text})` : text]);
}

export function anyMeasurement(random: RandomChoice): FreshMeasurement {
  return random.of(freshMeasurements);
}
