import { answerDifference } from './compare-answers.ts';
import type { RecordedCase, RecordedSet, RecordedStep } from './recorded-set.ts';
import { StepSender, type GivenAnswer } from './send-step.ts';

export interface StepDifference {
  readonly step: RecordedStep;
  readonly ours: GivenAnswer;
  readonly text: string;
}

export interface CaseOutcome {
  readonly recorded: RecordedCase;
  readonly verdict: 'pass' | 'fail' | 'unsupported';
  readonly differences: readonly StepDifference[];
}

/** What a build says of a part of the language that it does not carry yet. */
export const unsupportedText = 'not supported in this version';

/** Brings an empty server to where the first case begins. */
export async function prepareServer(url: string, set: RecordedSet): Promise<void> {
  const sender = new StepSender(url);
  const post = async (path: string, params: Readonly<Record<string, string>>, text: string) => {
    const answer = await sender.send({ method: 'POST', path, params, headers: {}, text });
    if (answer.status >= 300 || answer.text.includes('"error"'))
      throw new Error(`the server refuses the data of the cases: ${answer.text}`);
  };
  for (const q of set.setup) await post('/query', { q }, '');
  for (const { params, body } of set.writes) await post('/write', params, body);
  sender.close();
}

/** Sends the cases one after another. What is not chosen still changes what it does: later answers show it. */
export async function* replayCases(
  url: string,
  set: RecordedSet,
  isChosen: (one: RecordedCase) => boolean,
): AsyncGenerator<CaseOutcome> {
  const sender = new StepSender(url);
  try {
    for (const recorded of set.cases) {
      if (isChosen(recorded)) yield await replayCase(sender, recorded);
      else for (const step of recorded.steps.filter(changesData)) await sender.send(step);
    }
  } finally {
    sender.close();
  }
}

async function replayCase(sender: StepSender, recorded: RecordedCase): Promise<CaseOutcome> {
  const differences: StepDifference[] = [];
  for (const step of recorded.steps) {
    const ours = await sender.send(step);
    if (step.judge === false) continue;
    const text = answerDifference(ours, step, recorded.kind);
    if (text !== undefined) differences.push({ step, ours, text });
  }
  const isUnsupported = differences.some(({ ours }) => ours.text.includes(unsupportedText));
  const verdict = differences.length === 0 ? 'pass' : isUnsupported ? 'unsupported' : 'fail';
  return { recorded, verdict, differences };
}

function changesData({ params }: RecordedStep): boolean {
  return /^(CREATE|DROP|DELETE|ALTER) /i.test(params['q'] ?? '');
}
