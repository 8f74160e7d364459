/**
 * A SELECT that another node answers by itself (decision 67), as the two say it to each other: the statement travels as its text,
 * which the other node parses as it would a client's.
 */
import { isDeepStrictEqual } from 'node:util';
import { RecentMap } from '../../base/collections/recent-map.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import type { SelectStatement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { printStatement } from '../../influxql/printer.ts';
import {
  askedLengthMax,
  taskText,
  type AnswerRequest,
  type AnswerTask,
  type AskedAnswer,
} from '../engine/answers/answer-task.ts';

/** As a worker keeps tasks (engine/answers/known-answers.ts): a key and the text made of it are as long as each other. */
const keptMax = { countMax: 2_048, weightMax: 4 * MiB };
/** Longer ones are made anew each time. */
const keptLengthMax = 8_192;

/** What stays the same each time that it is asked. */
export type AskedText = Omit<AskedAnswer, 'nowNs' | 'isShare' | 'ownTimes' | 'pledgeTo'>;

/** Undefined for a task of several places, and for a statement that is too long or another one once it is printed and parsed. */
export function askedOf(task: AnswerTask): AskedText | undefined {
  const [place, ...others] = task.places;
  if (place === undefined || others.length > 0) return undefined;
  const statement = printStatement(task.statement);
  if (statement.length > askedLengthMax) return undefined;
  if (!isDeepStrictEqual(parsed(statement), task.statement)) return undefined;
  const { range, bucketsMax, seriesMax, pointsMax, epochUnitNs } = task;
  const limits = { bucketsMax, seriesMax, pointsMax };
  const times = { minTimeNs: range.minNs, maxTimeNs: range.maxNs, epochUnitNs };
  return { statement, ...place, ...limits, ...times };
}

/** What its worker is asked for another node; one that is asked again is put together once. */
export class AskedAnswers {
  readonly #texts = new RecentMap<string, string>(keptMax);

  /** Throws `unsupported_version` for what a worker is not asked. */
  requestOf({
    nowNs,
    isShare = false,
    ownTimes: own,
    pledgeTo: _to,
    ...text
  }: AskedAnswer): AnswerRequest {
    // prettier-ignore
    const { minTimeNs: minNs, maxTimeNs: maxNs } = text;
    const times = own && { own, shards: { minNs, maxNs } };
    return { ...this.#kept(times === undefined ? text : timeless(text)), nowNs, times, ...(isShare && { isShare }) }; // prettier-ignore
  }

  #kept(asked: AskedText): Pick<AnswerRequest, 'text' | 'isKept'> {
    const key = keyOf(asked);
    const known = this.#texts.get(key);
    const text = known ?? textOf(asked);
    if (known === undefined && key.length <= keptLengthMax) this.#texts.set(key, text, key.length);
    return { text, isKept: known !== undefined };
  }
}

/** Of texts that differ in their times. */
function timeless(asked: AskedText): AskedText {
  return { ...asked, minTimeNs: undefined, maxTimeNs: undefined };
}

function textOf(asked: AskedText): string {
  const { database, retentionPolicy, shardIds, isParted, names } = asked;
  const { minTimeNs: minNs, maxTimeNs: maxNs, bucketsMax, seriesMax, pointsMax, epochUnitNs } = asked; // prettier-ignore
  const statement = parsed(asked.statement);
  const text =
    statement &&
    taskText({
      ...{ statement, range: { minNs, maxNs }, bucketsMax, seriesMax, pointsMax, epochUnitNs },
      places: [{ database, retentionPolicy, isParted, shardIds, names }],
    });
  if (text === undefined)
    throw new DbError('unsupported_version', 'no worker answers this statement by itself');
  return text;
}

/** Undefined unless it is one SELECT that writes nothing, as far as this release can read it. */
function parsed(text: string): SelectStatement | undefined {
  try {
    const [statement, ...others] = parseQuery(text);
    if (statement?.kind !== 'select' || others.length > 0) return undefined;
    return statement.target === undefined ? statement : undefined;
  } catch (error) {
    if (isDbError(error)) return undefined;
    throw error;
  }
}

/** Without a replacer, which is called for each part: this is a tenth of what the main thread does for a small question. */
function keyOf({
  statement,
  database,
  retentionPolicy,
  shardIds,
  isParted,
  names,
  ...asked
}: AskedText): string {
  // prettier-ignore
  const { minTimeNs, maxTimeNs, bucketsMax, seriesMax, pointsMax, epochUnitNs } = asked;
  const numbers = [minTimeNs, maxTimeNs, bucketsMax, seriesMax, pointsMax, epochUnitNs];
  const texts = [statement, database, retentionPolicy, ...(names ?? [])];
  return `${numbers.join()} ${shardIds.join()} ${isParted} ${names?.length} ${JSON.stringify(texts)}`; // prettier-ignore
}
