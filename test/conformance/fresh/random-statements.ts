import { RandomChoice } from './random-choice.ts';
import { deepStatement } from './random-deep.ts';
import { fleetSelect } from './random-fleet.ts';
import { aggregateSelect, holtSelect, rawSelect, subquerySelect, transformSelect } from './random-selects.ts'; // prettier-ignore
import { show } from './random-shows.ts';
import { userStatement } from './random-uses.ts';
import { wideStatement } from './random-wide.ts';

export interface FreshStatement {
  readonly kind:
    | 'raw'
    | 'agg'
    | 'transform'
    | 'holt'
    | 'subquery'
    | 'show'
    | 'wide'
    | 'deep'
    | 'invalid'
    | 'fleet'
    | 'large'
    | 'use'
    | 'grammar'
    | 'change';
  readonly text: string;
}

const kinds = ['raw', 'raw', 'agg', 'agg', 'agg', 'transform', 'transform', 'subquery', 'subquery', 'show', 'show', 'wide', 'wide', 'wide', 'wide', 'wide', 'deep', 'deep', 'deep', 'deep', 'invalid'] as const; // prettier-ignore

/** Statements over the data of random-data.ts that change nothing: every family, with each clause in some of them. */
export function* freshStatements(seed: number, count: number): Generator<FreshStatement> {
  const random = new RandomChoice(seed, 'statements');
  for (let i = 0; i < count; i++) yield freshStatement(random);
}

export function freshStatement(random: RandomChoice): FreshStatement {
  const kind = random.chance(0.01) ? 'holt' : random.of(kinds);
  return { kind, text: textOf(random, kind) };
}

function textOf(random: RandomChoice, kind: FreshStatement['kind']): string {
  switch (kind) {
    case 'raw':
      return rawSelect(random);
    case 'agg':
      return aggregateSelect(random);
    case 'transform':
      return transformSelect(random);
    case 'holt':
      return holtSelect(random);
    case 'subquery':
      return subquerySelect(random);
    case 'wide':
      return wideStatement(random);
    case 'deep':
      return deepStatement(random);
    case 'use':
      return userStatement(random);
    case 'fleet':
      return fleetSelect(random);
    case 'show':
    case 'grammar':
    case 'large':
    case 'change':
      return show(random);
    case 'invalid':
      // Not of what groups by time: without its bounds it would be millions of windows.
      return damaged(random, textOf(random, random.of(['raw', 'show'] as const)));
  }
}

/** A word taken out, doubled or moved: what a hurried hand writes. */
function damaged(random: RandomChoice, text: string): string {
  const words = text.split(' ');
  const at = random.integer(0, words.length - 1);
  const word = words[at] ?? '';
  const how = random.integer(0, 3);
  if (how === 0) words.splice(at, 1);
  else if (how === 1) words.splice(at, 0, word);
  else if (how === 2) words.splice(at, 1, word.slice(0, -1));
  else words.splice(at, 1, random.of(['(', ')', ',', "'", '"', '/', '$', '10w', 'FROM', '::']));
  return words.join(' ');
}
