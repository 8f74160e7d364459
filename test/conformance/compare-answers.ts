import { csvDifference } from './compare-csv.ts';
import { jsonDifference } from './compare-json.ts';
import { textsAlike } from './compare-texts.ts';
import { packAsJson, packType } from './compare-pack.ts';
import type { RecordedStep } from './recorded-set.ts';
import type { GivenAnswer } from './send-step.ts';

/** Sums in another order differ in the last digits; holt_winters minimises, and stops a little earlier or later. */
const relativeMax = 1e-9;
const relativeMaxOfHoltWinters = 1e-6;

/**
 * How our answer differs from the recorded one, or undefined. Status and content type are equal, JSON as data whatever the
 * order of keys, CSV cell by cell, floats to 1e-9 of their size (holt_winters: 1e-6), other bodies by the byte.
 */
export function answerDifference(
  ours: GivenAnswer,
  step: Pick<RecordedStep, 'status' | 'type' | 'answer' | 'sort' | 'mask'>,
  kind: string,
): string | undefined {
  if (ours.status !== step.status) return `status ${ours.status} not ${step.status}`;
  if (ours.type !== step.type) return `content type ${ours.type} not ${step.type}`;
  if (ours.text === step.answer) return undefined;
  const relative = kind === 'holt' ? relativeMaxOfHoltWinters : relativeMax;
  const rules = { relative, sort: step.sort ?? false, mask: step.mask ?? [] };
  const isText = step.type === 'application/json' || step.type.endsWith('/csv');
  if (isText && rules.mask.length === 0 && textsAlike(ours.text, step.answer, rules))
    return undefined;
  try {
    if (step.type === 'application/json') return jsonDifference(ours.text, step.answer, rules);
    if (step.type === packType)
      return jsonDifference(packAsJson(ours.text), packAsJson(step.answer), rules);
    if (step.type.endsWith('/csv')) return csvDifference(ours.text, step.answer, rules);
  } catch (error) {
    return `unreadable: ${String(error)}`;
  }
  return `body ${JSON.stringify(ours.text)} not ${JSON.stringify(step.answer)}`;
}
