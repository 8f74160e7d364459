import { answerDifference } from '../compare-answers.ts';
import { prepareServer, unsupportedText } from '../replay.ts';
import { StepSender } from '../send-step.ts';
import { freshData } from './random-data.ts';
import { releaseDifference } from './release-differences.ts';
import { freshStatements, type FreshStatement } from './random-statements.ts';

export interface FreshOutcome {
  readonly statement: FreshStatement;
  readonly ours: string;
  readonly theirs: string;
  /** undefined: the two agree. */
  readonly difference: string | undefined;
}

export type FreshVerdict = 'agree' | 'differ' | 'unsupported' | 'other release';

export function freshVerdict({ statement, ours, difference }: FreshOutcome): FreshVerdict {
  if (difference === undefined) return 'agree';
  if (ours.includes(unsupportedText)) return 'unsupported';
  return releaseDifference(statement.text) === undefined ? 'differ' : 'other release';
}

/** Gives the same random data and statements to two servers, both empty, and compares their answers one by one. */
export async function* runFresh(
  urls: { readonly ours: string; readonly theirs: string },
  options: { readonly seed: number; readonly count: number },
): AsyncGenerator<FreshOutcome> {
  const data = freshData(options.seed);
  for (const url of [urls.ours, urls.theirs]) await prepareServer(url, { ...data, cases: [] });
  const ours = new StepSender(urls.ours);
  const theirs = new StepSender(urls.theirs);
  try {
    for (const statement of freshStatements(options.seed, options.count)) {
      const params = { db: 'fresh', epoch: 'ns', q: statement.text };
      const step = { method: 'POST', path: '/query', params, headers: {} };
      const [own, other] = await Promise.all([ours.send(step), theirs.send(step)]);
      const recorded = { status: other.status, type: other.type, answer: other.text };
      const difference = answerDifference(own, recorded, statement.kind);
      yield { statement, ours: own.text, theirs: other.text, difference };
    }
  } finally {
    ours.close();
    theirs.close();
  }
}
