import type { RandomChoice } from './random-choice.ts';

const plain = ['count', 'sum', 'mean', 'median', 'mode', 'stddev', 'spread', 'min', 'max', 'first', 'last', 'distinct', 'integral', 'percentile', 'sample', 'top', 'bottom']; // prettier-ignore
const following = ['derivative', 'non_negative_derivative', 'difference', 'non_negative_difference', 'cumulative_sum', 'elapsed', 'moving_average', 'exponential_moving_average', 'double_exponential_moving_average', 'triple_exponential_moving_average', 'triple_exponential_derivative', 'relative_strength_index', 'kaufmans_efficiency_ratio', 'kaufmans_adaptive_moving_average', 'chande_momentum_oscillator', 'holt_winters', 'holt_winters_with_fit']; // prettier-ignore
const numeric = ['abs', 'sin', 'cos', 'tan', 'asin', 'acos', 'atan', 'atan2', 'exp', 'log', 'ln', 'log2', 'log10', 'sqrt', 'pow', 'floor', 'ceil', 'round']; // prettier-ignore
const others = ['now', 'time', 'tz', 'fill', 'nosuch', 'date_part', 'distinct', 'Mean', 'COUNT', 'count_hll', 'histogram', 'str', 'strlen', 'first', 'regex', '"mean"', 'merge_hll', 'sum_hll']; // prettier-ignore

const names = ['usage', 'usage', 'n', 'n', 'msg', 'ok', 'host', 'nosuch', 'time', '*', '/^[nu]/', '*::field', '*::tag', 'usage::integer', 'n::string', '"usage"', '(usage)', '-usage', 'usage + 1', 'usage + n', 'distinct usage', 'DISTINCT(usage)']; // prettier-ignore
const literals = ['1', '2', '3', '0', '-1', '1.5', '100', '101', '-0.5', "'a'", "'simple'", "'exponential'", "'none'", "''", 'true', '10m', '1s', '0s', '-1s', '1ns', '/a/', 'now()', '9223372036854775807', '9223372036854775808', '1e3', '(2)', '1 + 1', '2 * 3']; // prettier-ignore

function argument(random: RandomChoice, depth: number): string {
  if (depth > 0 && random.chance(0.3)) return call(random, depth - 1);
  return random.chance(0.55) ? random.of(names) : random.of(literals);
}

/** Mostly as many arguments as there may be, and of a kind that there may be. */
function call(random: RandomChoice, depth: number): string {
  const name = random.of([...plain, ...plain, ...following, ...following, ...numeric, random.of(others)]); // prettier-ignore
  if (random.chance(0.35)) {
    const count = random.of([0, 1, 1, 2, 2, 3, 4, 5]);
    return `${name}(${Array.from({ length: count }, () => argument(random, depth)).join(', ')})`;
  }
  const first = depth > 0 && random.chance(following.includes(name) ? 0.5 : 0.12) ? call(random, depth - 1) : random.of(names); // prettier-ignore
  return `${name}(${[first, ...rest(random, name)].join(', ')})`;
}

/** What may follow the first argument. */
function rest(random: RandomChoice, name: string): string[] {
  const many = (max: number): string[] => Array.from({ length: random.integer(0, max) }, () => random.of(literals)); // prettier-ignore
  switch (name) {
    case 'percentile':
    case 'sample':
    case 'moving_average':
    case 'pow':
    case 'atan2':
    case 'log':
      return [random.of(literals)];
    case 'top':
    case 'bottom':
      return [...(random.chance(0.4) ? random.some(names, 2) : []), random.of(literals)];
    case 'holt_winters':
    case 'holt_winters_with_fit':
      return [random.of(literals), random.of(literals)];
    case 'derivative':
    case 'non_negative_derivative':
    case 'elapsed':
    case 'integral':
      return many(1);
    default:
      return following.includes(name) ? many(3) : random.chance(0.05) ? many(1) : [];
  }
}

/** Every function with arguments of every kind and number, alone and beside others: what is refused is refused in some order. */
export function argumentSelect(random: RandomChoice): string {
  const one = (): string => call(random, 2);
  const alias = (): string => random.maybe(0.1, () => ` AS ${random.of(['a', 'time', '"x y"', 'usage', 'select'])}`); // prettier-ignore
  const list = random.of([
    () => one(),
    () => one(),
    () => one(),
    () => one() + alias(),
    () => `${one()}, ${one()}`,
    () => `${one()}${alias()}, ${random.of(names)}${alias()}`,
    () => `${one()} ${random.of(['+', '-', '*', '/', '%', '&', '|', '^', '=', '<', 'AND', '=~'])} ${random.of([one(), random.of(literals), random.of(names)])}`,
    () => `${random.of(names)}, ${random.of(literals)}`,
    () => `${random.of(literals)}${alias()}`,
  ])(); // prettier-ignore
  const condition = random.maybe(0.6, () => ` WHERE time >= '2000-01-01' AND time < '2000-01-01T01:00:00Z'${random.maybe(0.15, () => ` AND ${random.of([one(), `${one()} > 3`, 'n > 10', "host = 'a'"])}`)}`); // prettier-ignore
  const isBounded = condition !== '';
  const groups = random.of(['', '', ' GROUP BY host', ' GROUP BY *', isBounded ? ' GROUP BY time(10m)' : '', isBounded ? ' GROUP BY time(20m), host' : ' GROUP BY time(52w)']); // prettier-ignore
  const filling = random.maybe(0.2, () => ` fill(${random.of(['none', '0', 'previous', 'linear', 'null'])})`); // prettier-ignore
  const page = random.maybe(0.1, () => ` ORDER BY time DESC`) + random.maybe(0.2, () => ` LIMIT ${random.of(['3', '0', '1'])}`); // prettier-ignore
  const from = random.of(['cpu', 'cpu', 'cpu', 'cpu', 'nosuch', '(SELECT usage, n, msg, ok, host FROM cpu)', 'mixed', 'cpu, mem']); // prettier-ignore
  return `SELECT ${list} FROM ${from}${condition}${groups}${filling}${page}`;
}
