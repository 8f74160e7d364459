import { cumulativeSumFunction } from './cumulative-sum.ts';
import { derivativeFunction } from './derivative.ts';
import { differenceFunction } from './difference.ts';
import { distinctFunction } from './distinct.ts';
import { elapsedFunction } from './elapsed.ts';
import { extremeFunctions } from './extremes.ts';
import type { FunctionDefinition } from './function.ts';
import { holtWintersFunction } from './holt-winters.ts';
import { integralFunction } from './integral.ts';
import { movingAverageFunction } from './moving-average.ts';
import { medianFunction, modeFunction, percentileFunction } from './ordered-values.ts';
import { sampleFunction } from './sample.ts';
import { stddevFunction } from './stddev.ts';
import { sumFunctions } from './sums.ts';
import { technicalFunctions } from './technical.ts';
import { topBottomFunction } from './top-bottom.ts';

/**
 * All functions by name. Functions of the list join here and nowhere else. count, sum, mean, min, max, first,
 * last and spread of fields are summed up where the shards are (`fragment.ts`); they are here as well, for calls over
 * subqueries and with other fields beside them.
 */
const functions: ReadonlyMap<string, FunctionDefinition> = new Map(
  [
    ...sumFunctions,
    ...extremeFunctions,
    medianFunction,
    modeFunction,
    stddevFunction,
    integralFunction,
    distinctFunction,
    percentileFunction,
    sampleFunction,
    topBottomFunction('top'),
    topBottomFunction('bottom'),
    derivativeFunction('derivative'),
    derivativeFunction('non_negative_derivative'),
    differenceFunction('difference'),
    differenceFunction('non_negative_difference'),
    elapsedFunction,
    movingAverageFunction,
    cumulativeSumFunction,
    holtWintersFunction('holt_winters'),
    holtWintersFunction('holt_winters_with_fit'),
    ...technicalFunctions,
  ].map((one: FunctionDefinition) => [one.name, one]),
);

export function findFunction(name: string): FunctionDefinition | undefined {
  return functions.get(name);
}
