/**
 * What the workers of a node tell each other of a database's series where a write comes near its limits: plain data. A worker that
 * cannot decide by itself asks (LimitQuestion); each other one answers of its own shards (OtherSeries).
 */
import type { ValueCount } from '../../engine/limits/series-limits.ts';
import { writtenValue } from '../../index/value-union.ts';

/** A tag that new series of the batch have, which may be full. */
export interface AskedTag {
  readonly measurement: string;
  readonly tagKey: string;
  /** The values of the batch that are new to who asks. */
  readonly values: readonly string[];
  /** Who asks knows already that it is: only which of the values are there matters. */
  readonly isFull: boolean;
}

export interface LimitQuestion {
  readonly tags: readonly AskedTag[];
}

export interface OtherSeries {
  /** A byte for each series of the batch: 1 when it is not there; undefined when all are. */
  readonly unknown: Uint8Array | undefined;
  /** Of each shard together, as if none were of two; and the sketch of all of them. */
  readonly sum: number;
  readonly sketch: Uint32Array;
  /** Series that may be on their way to its log. */
  readonly underWay: number;
  /** What it had said of itself by then (series-bounds.ts). */
  readonly said: number;
  readonly tags: readonly TagAnswer[];
}

interface TagAnswer {
  readonly measurement: string;
  readonly tagKey: string;
  /** Those of the asked ones that it has. */
  readonly has: readonly string[];
  /** All that it has, as keys write them, a character for each byte; empty where the asker knew that the tag is full. */
  readonly all: readonly string[];
}

/** What a worker has itself, and all values of one of its tags. */
export interface OwnValues extends ValueCount {
  all(measurement: string, tagKey: string): ReadonlySet<string>;
}

/** The values of all workers together. */
export function valuesOfAll(own: OwnValues, others: readonly OtherSeries[]): ValueCount {
  if (others.length === 0) return own;
  const answers = new Map<string, AnsweredValues>();
  for (const { tags } of others)
    for (const { measurement, tagKey, has, all } of tags) {
      const name = JSON.stringify([measurement, tagKey]);
      const known = answers.get(name) ?? { has: new Set(), all: new Set(), sum: 0 };
      for (const value of has) known.has.add(value);
      for (const value of all) known.all.add(value);
      answers.set(name, { ...known, sum: known.sum + all.length });
    }
  const answerOf = (measurement: string, tagKey: string): AnsweredValues | undefined =>
    answers.get(JSON.stringify([measurement, tagKey]));
  // What was there before the batch: asked for each of its series.
  const counts = new Map<string, number>();
  const count = (measurement: string, tagKey: string, valuesMax: number): number => {
    const name = JSON.stringify([measurement, tagKey]);
    const known = counts.get(name) ?? countNow(measurement, tagKey, valuesMax);
    counts.set(name, known);
    return known;
  };
  const countNow = (measurement: string, tagKey: string, valuesMax: number): number => {
    const ownCount = own.count(measurement, tagKey, valuesMax);
    const answer = answerOf(measurement, tagKey);
    const sum = ownCount + (answer?.sum ?? 0);
    if (answer === undefined || ownCount >= valuesMax || sum < valuesMax) return sum;
    const union = new Set(answer.all);
    for (const value of own.all(measurement, tagKey)) union.add(value);
    return union.size;
  };
  const has = (measurement: string, tagKey: string, value: string): boolean => {
    if (own.has(measurement, tagKey, value)) return true;
    const answer = answerOf(measurement, tagKey);
    return answer?.has.has(value) === true || answer?.all.has(writtenValue(value)) === true;
  };
  return { isAnyFull: () => true, count, has };
}

interface AnsweredValues {
  readonly has: Set<string>;
  readonly all: Set<string>;
  /** As if no value were of two workers. */
  readonly sum: number;
}
