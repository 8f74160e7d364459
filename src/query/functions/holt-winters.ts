/**
 * holt_winters() and holt_winters_with_fit(): forecasts of a series of windows by damped triple exponential smoothing
 * with multiplicative seasons (P. R. Winters 1960; E. S. Gardner and E. McKenzie 1985 for the damped trend). Parameters
 * are those of the least squared error, searched from a grid of first guesses.
 */
import type { TransformationDefinition } from './function.ts';
import { noPoints, pointsOf, doublesOf } from './cells.ts';
import { firstOf, integerArgument, invalid, unsupportedType } from './checks.ts';
import type { PlannedCall, Points, Transformation } from './function.ts';
import { minimize } from './nelder-mead.ts';

const firstWeight = 0.5;
const errorEpsilon = 1e-4;
/** First guesses of each of the four weights: 0.3 and 0.7. */
const guessLeast = 0.3;
const guessEnd = 1;
const guessStep = 0.4;
/** alpha, beta, gamma, phi, level, trend; the seasons follow. */
const headCount = 6;

export function holtWintersFunction(
  name: 'holt_winters' | 'holt_winters_with_fit',
): TransformationDefinition {
  return {
    kind: 'transformation',
    name,
    check(args, context) {
      if (args.length !== 3)
        throw invalid(`invalid number of arguments for ${name}, expected 3, got ${args.length}`);
      const [, horizon, season] = args;
      if (horizon?.kind !== 'integer')
        throw invalid(`expected integer argument as second arg in ${name}`);
      if (horizon.value <= 0n)
        throw invalid(`second arg to ${name} must be greater than 0, got ${horizon.value}`);
      if (season?.kind !== 'integer')
        throw invalid(`expected integer argument as third arg in ${name}`);
      if (season.value < 0n)
        throw invalid(`third arg to ${name} cannot be negative, got ${season.value}`);
      const argument = firstOf(args);
      if (argument.kind !== 'call') throw invalid(`must use aggregate function with ${name}`);
      if (context.intervalNs === 0n)
        throw invalid(`${name} aggregate requires a GROUP BY interval`);
      context.nested(argument);
    },
    resultType(type, [argument]) {
      // The reference names another function here.
      if (type !== 'float' && type !== 'integer') throw unsupportedType('elapsed', type, argument);
      return 'float';
    },
    extraWindows: () => 0,
    answersGroups: true,
    transformation: (call) => new HoltWinters(call, name === 'holt_winters_with_fit'),
  };
}

class HoltWinters implements Transformation {
  readonly #intervalNs: bigint;
  readonly #horizon: number;
  readonly #season: number;
  readonly #hasFit: boolean;
  readonly #timesNs: bigint[] = [];
  readonly #values: number[] = [];

  constructor({ args, intervalNs }: PlannedCall, hasFit: boolean) {
    this.#intervalNs = intervalNs;
    this.#horizon = integerArgument(args, 1, 1);
    this.#season = integerArgument(args, 2, 0);
    this.#hasFit = hasFit;
  }

  /** With the simplex and the forecast that the end will make: a season of thousands is refused before it is tried. */
  get heldBytes(): number {
    const count = this.#values.length;
    const dimensions = headCount + (count < this.#season ? 0 : this.#season);
    return 256 + count * 56 + this.#horizon * 48 + dimensions * dimensions * 8;
  }

  push({ timesNs, values }: Points): Points {
    const doubles = doublesOf(values);
    for (let i = 0; i < timesNs.length; i++) {
      this.#timesNs.push(timesNs[i] ?? 0n);
      this.#values.push(doubles[i] ?? 0);
    }
    return noPoints('float');
  }

  finish(): Points {
    const slices = this.finishInSlices();
    for (;;) {
      const { done, value } = slices.next();
      if (done === true) return value;
    }
  }

  *finishInSlices(): Generator<undefined, Points> {
    const isSeasonal = this.#season >= 2;
    const count = this.#timesNs.length;
    if (count < 2 || (isSeasonal && count < this.#season)) return noPoints('float');
    const known = this.#perInterval();
    if (known === undefined) return noPoints('float');
    const model = new Model(known, isSeasonal ? this.#season : 0);
    const parameters = yield* model.fit();
    return this.#shown(model.forecast(this.#horizon, parameters), known.length);
  }

  /** One value an interval, NaN where there was none; undefined when all points lie in one. */
  #perInterval(): Float64Array | undefined {
    const slots = this.#timesNs.map((timeNs) => this.#slotOf(timeNs));
    const first = slots[0] ?? 0n;
    if ((slots[slots.length - 1] ?? 0n) <= first) return undefined;
    const values = [this.#values[0] ?? 0];
    let last = first;
    for (let i = 1; i < slots.length; i++) {
      const slot = slots[i] ?? 0n;
      if (slot <= last) continue;
      for (let missing = last + 1n; missing < slot; missing++) values.push(Number.NaN);
      values.push(this.#values[i] ?? 0);
      last = slot;
    }
    return Float64Array.from(values);
  }

  /** Number of the interval that a time is nearest to. */
  #slotOf(timeNs: bigint): bigint {
    const slot = timeNs / this.#intervalNs;
    return timeNs % this.#intervalNs > this.#intervalNs / 2n ? slot + 1n : slot;
  }

  #shown(forecast: Float64Array, knownCount: number): Points {
    const times: bigint[] = [];
    const values: number[] = [];
    const firstNs = this.#timesNs[0] ?? 0n;
    const lastNs = this.#timesNs[this.#timesNs.length - 1] ?? 0n;
    for (let i = this.#hasFit ? 0 : knownCount; i < forecast.length; i++) {
      const value = forecast[i] ?? Number.NaN;
      if (Number.isNaN(value)) continue;
      const steps = this.#hasFit ? i : i - knownCount + 1;
      times.push((this.#hasFit ? firstNs : lastNs) + this.#intervalNs * BigInt(steps));
      values.push(value);
    }
    return pointsOf('float', times, values);
  }
}

class Model {
  readonly #known: Float64Array;
  /** 0 without seasons. */
  readonly #season: number;

  constructor(known: Float64Array, season: number) {
    this.#known = known;
    this.#season = season;
  }

  /** The parameters of the least squared error that was found. */
  *fit(): Generator<undefined, Float64Array> {
    const start = this.#guess();
    const guesses: number[] = [];
    for (let guess = guessLeast; guess < guessEnd; guess += guessStep) guesses.push(guess);
    let best: { readonly value: number; readonly at: Float64Array } | undefined;
    for (const alpha of guesses)
      for (const beta of guesses)
        for (const gamma of guesses)
          for (const phi of guesses) {
            start.set([alpha, beta, gamma, phi]);
            const found = yield* minimize((at) => this.#squaredError(at), start, errorEpsilon);
            if (best === undefined || found.value < best.value) best = found;
          }
    return best?.at ?? start;
  }

  /** Level, trend and seasons from the first values; what is missing counts as nothing. */
  #guess(): Float64Array {
    const known = this.#known;
    const m = this.#season;
    const at = (i: number): number => known[i] ?? Number.NaN;
    const parameters = new Float64Array(headCount + m);
    if (m === 0) {
      parameters[4] = firstWeight * at(0);
      parameters[5] = Number.isNaN(at(1)) ? 0 : firstWeight * (at(1) - at(0));
      return parameters;
    }
    let level = 0;
    let trend = 0;
    for (let i = 0; i < m; i++) {
      if (!Number.isNaN(at(i))) level += (1 / m) * at(i);
      const change = at(m + i) - at(i);
      if (!Number.isNaN(change)) trend += (1 / (m * m)) * change;
    }
    parameters[4] = level;
    parameters[5] = trend;
    for (let i = 0; i < m; i++) parameters[headCount + i] = Number.isNaN(at(i)) ? 0 : at(i) / level;
    return parameters;
  }

  #squaredError(parameters: Float64Array): number {
    const forecast = this.forecast(0, parameters);
    let sum = 0;
    for (let i = 0; i < forecast.length; i++) {
      const known = this.#known[i] ?? Number.NaN;
      if (Number.isNaN(known)) continue;
      const guessed = forecast[i] ?? Number.NaN;
      if (Number.isNaN(guessed)) return Number.POSITIVE_INFINITY;
      const error = guessed - known;
      sum += error * error;
    }
    return sum;
  }

  /** Values for all known intervals and `horizon` more. Brings the weights into [0, 1] and uses up the seasons given. */
  forecast(horizon: number, parameters: Float64Array): Float64Array {
    for (let i = 0; i < 4; i++) parameters[i] = Math.min(1, Math.max(0, parameters[i] ?? 0));
    const [alpha = 0, beta = 0, gamma = 0, phi = 0] = parameters;
    let level = parameters[4] ?? 0;
    let trend = parameters[5] ?? 0;
    const seasons = parameters.subarray(headCount);
    const m = this.#season;
    let value = this.#known[0] ?? 0;
    let damping = phi;
    let shift = m - 1;
    const forecast = new Float64Array(this.#known.length + horizon);
    forecast[0] = value;
    for (let t = 1; t < forecast.length; t++) {
      const before = m > 0 ? (seasons[(t - m + shift) % m] ?? 1) : 1;
      const ahead = m > 0 ? (seasons[(t - m + (t % m) + shift) % m] ?? 1) : 1;
      const expected = level + phi * trend;
      const nextLevel = alpha * (value / before) + (1 - alpha) * expected;
      const nextTrend = beta * (nextLevel - level) + (1 - beta) * phi * trend;
      const nextSeason = gamma * (value / expected) + (1 - gamma) * before;
      value = (nextLevel + damping * nextTrend) * ahead;
      level = nextLevel;
      trend = nextTrend;
      damping += power(phi, t);
      if (m > 0) {
        seasons[(t + shift) % m] = nextSeason;
        shift++;
      }
      forecast[t] = value;
    }
    return forecast;
  }
}

/** By squaring: the last digit of Math.pow is another one, and the search for parameters would end elsewhere. */
function power(base: number, exponent: number): number {
  let result = 1;
  let square = base;
  for (let left = exponent; left > 0; left = Math.floor(left / 2)) {
    if (left % 2 === 1) result *= square;
    square *= square;
  }
  return result;
}
