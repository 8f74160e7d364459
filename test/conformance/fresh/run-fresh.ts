import { answerDifference } from '../compare-answers.ts';
import { prepareServer, unsupportedText } from '../replay.ts';
import { StepSender, type GivenAnswer, type SentStep } from '../send-step.ts';
import { freshData } from './random-data.ts';
import { freshRequests } from './random-requests.ts';
import { purposeOf } from './purposes.ts';
import type { FreshStatement } from './random-statements.ts';

export type FreshVerdict =
  'agree' | 'agree with the second' | 'chance' | 'differ' | 'on purpose' | 'unsupported';

export interface FreshOutcome {
  readonly statement: FreshStatement;
  readonly step: SentStep;
  readonly ours: GivenAnswer;
  readonly theirs: GivenAnswer;
  /** undefined: the two agree. */
  readonly difference: string | undefined;
  readonly verdict: FreshVerdict;
}

export interface FreshUrls {
  readonly ours: string;
  readonly theirs: string;
  /** A second one of theirs: with the other index, and the points written in another order. */
  readonly second?: string | undefined;
}

/** How often the second one is asked: the walk of a map differs from time to time. */
const secondAskedCount = 6;

/** Gives the same random data and requests to servers, all empty, and compares their answers one by one. */
export async function* runFresh(
  urls: FreshUrls,
  options: { readonly seed: number; readonly count: number; readonly isMutated?: boolean },
): AsyncGenerator<FreshOutcome> {
  const { seed, count } = options;
  await prepare(urls.ours, seed, 0);
  await prepare(urls.theirs, seed, 0);
  if (urls.second !== undefined) await prepare(urls.second, seed, seed + 1);
  const ours = new StepSender(urls.ours);
  const theirs = new StepSender(urls.theirs);
  const second = urls.second === undefined ? undefined : new StepSender(urls.second);
  try {
    for (const { statement, step } of freshRequests(seed, count, options)) {
      const [own, other] = await Promise.all([send(ours, step), send(theirs, step)]);
      const difference = differenceOf(own, other, statement.kind);
      // What changes something is done by all of them, once.
      const isRead = statement.kind !== 'change';
      const others: GivenAnswer[] = [];
      if (second !== undefined && (!isRead || difference !== undefined))
        for (let i = 0; i < (isRead ? secondAskedCount : 1); i++)
          others.push(await send(second, step));
      const answers = { statement, step, ours: own, theirs: other, difference };
      yield { ...answers, verdict: verdictOf(answers, others, seed % 2 === 0) };
    }
  } finally {
    ours.close();
    theirs.close();
    second?.close();
  }
}

function verdictOf(
  { statement, ours, theirs, difference }: Omit<FreshOutcome, 'verdict'>,
  others: readonly GivenAnswer[],
  hasTies: boolean,
): FreshVerdict {
  const { kind, text } = statement;
  if (difference === undefined) return 'agree';
  if (ours.text.includes(unsupportedText)) return 'unsupported';
  if (others.some((other) => differenceOf(ours, other, kind) === undefined))
    return 'agree with the second';
  if (others.some((other) => differenceOf(other, theirs, kind) !== undefined)) return 'chance';
  const isOfChanged = kind === 'change';
  const purpose = purposeOf({ statement: text, theirs: theirs.text, difference, isOfChanged, hasTies }); // prettier-ignore
  return purpose === undefined ? 'differ' : 'on purpose';
}

/** A server that breaks off is an answer as well. */
function send(sender: StepSender, step: SentStep): Promise<GivenAnswer> {
  return sender.send(step).catch((error: unknown) => {
    return { status: 0, type: '', text: `no answer: ${String(error)}` };
  });
}

function differenceOf(own: GivenAnswer, other: GivenAnswer, kind: string): string | undefined {
  const recorded = { status: other.status, type: other.type, answer: other.text };
  return answerDifference(own, recorded, kind);
}

async function prepare(url: string, seed: number, shuffle: number): Promise<void> {
  const { setup, writes } = freshData(seed, shuffle);
  await prepareServer(url, { setup: [...setup, 'CREATE DATABASE changing WITH SHARD DURATION 1h'], writes, cases: [] }); // prettier-ignore
}
