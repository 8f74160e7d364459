import type { SentStep } from '../send-step.ts';
import { change, questionOfChanged } from './random-changes.ts';
import { RandomChoice } from './random-choice.ts';
import { freshStatement, type FreshStatement } from './random-statements.ts';

export interface FreshRequest {
  readonly statement: FreshStatement;
  readonly step: SentStep;
}

/** Requests in every form that `/query` knows, and between them changes of a database `changing`. */
export function* freshRequests(seed: number, count: number): Generator<FreshRequest> {
  const random = new RandomChoice(seed, 'requests');
  for (let i = 0; i < count; i++) yield random.chance(0.06) ? changed(random) : asked(random);
}

function changed(random: RandomChoice): FreshRequest {
  const { statement, lines } = random.chance(0.5) ? change(random) : { statement: questionOfChanged(random) }; // prettier-ignore
  if (lines === undefined) {
    const params = { db: 'changing', epoch: 'ns', q: statement ?? '' };
    const step = { method: 'POST', path: '/query', params, headers: {} };
    return { statement: { kind: 'change', text: params.q }, step };
  }
  const params = { db: 'changing', precision: 's' };
  const step = { method: 'POST', path: '/write', params, headers: {}, text: lines };
  return { statement: { kind: 'change', text: `write ${lines}` }, step };
}

function asked(random: RandomChoice): FreshRequest {
  const statement = freshStatement(random);
  const texts = random.chance(0.04) ? [statement.text, freshStatement(random).text] : [statement.text]; // prettier-ignore
  const { text, bound } = random.chance(0.05) ? withParameters(texts.join('; ')) : { text: texts.join('; '), bound: undefined }; // prettier-ignore
  const params: Record<string, string> = { db: 'fresh', q: text };
  if (bound !== undefined) params['params'] = bound;
  if (random.chance(0.8)) params['epoch'] = random.of(['ns', 'ns', 'u', 'ms', 's', 'm', 'h']);
  if (random.chance(0.06)) params['rp'] = 'rp2';
  if (random.chance(0.05)) params['pretty'] = 'true';
  if (random.chance(0.08)) {
    params['chunked'] = 'true';
    if (random.chance(0.7)) params['chunk_size'] = String(random.integer(1, 7));
  }
  const accept = random.maybe(0.1, () => random.of(['application/csv', 'text/csv', 'application/json'])); // prettier-ignore
  const headers = accept === '' ? {} : { Accept: accept };
  const whole = { ...statement, text };
  if (random.chance(0.3)) return { statement: whole, step: { method: 'GET', path: '/query', params, headers } }; // prettier-ignore
  if (random.chance(0.5)) return { statement: whole, step: { method: 'POST', path: '/query', params, headers } }; // prettier-ignore
  const form = { ...headers, 'Content-Type': 'application/x-www-form-urlencoded' };
  const body = new URLSearchParams(params).toString();
  return {
    statement: whole,
    step: { method: 'POST', path: '/query', params: {}, headers: form, text: body },
  };
}

/** Numbers and texts of a statement as `$p0`, `$p1`, … */
function withParameters(text: string): { readonly text: string; readonly bound: string } {
  const bound: Record<string, unknown> = {};
  let count = 0;
  const named = text.replaceAll(/(?<=[=<>] )(-?\d+|'[a-z0-9 -]*')(?= |$)/g, (literal) => {
    const name = `p${count++}`;
    bound[name] = literal.startsWith("'") ? literal.slice(1, -1) : Number(literal);
    return `$${name}`;
  });
  return { text: named, bound: JSON.stringify(bound) };
}
