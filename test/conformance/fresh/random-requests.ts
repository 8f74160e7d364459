import { Buffer } from 'node:buffer';
import type { SentStep } from '../send-step.ts';
import { argumentSelect } from './random-arguments.ts';
import { bucketDialogue, leftOfBuckets } from './random-buckets.ts';
import { bytesWrite, leftByWrites } from './random-bytes.ts';
import { namesDialogue } from './random-names.ts';
import { catalogStatement } from './random-catalog.ts';
import { change, dialogue, questionOfChanged } from './random-changes.ts';
import { RandomChoice } from './random-choice.ts';
import { edgeSelect } from './random-edges.ts';
import { explainStatement } from './random-explain.ts';
import { fleetSelect } from './random-fleet.ts';
import { layersSelect } from './random-layers.ts';
import { databaseLife, type LifeStep } from './random-lives.ts';
import { listing } from './random-listings.ts';
import { mutated } from './random-mutations.ts';
import { oddChange } from './random-odd-changes.ts';
import { policyDialogue } from './random-policies.ts';
import { preparedStep } from './random-prepared.ts';
import { keptQuery } from './random-texts.ts';
import { regexStatement } from './random-regexes.ts';
import { retentionLife } from './random-retention.ts';
import { timeSelect, windowSelect } from './random-times.ts';
import { usersLife } from './random-users.ts';
import { userStatement } from './random-uses.ts';
import { freshStatement, type FreshStatement } from './random-statements.ts';

/** Of what a cluster is asked. */
const fleetShare = 0.4;
/** Of what comes in the words of people and their dashboards. */
const usesShare = 0.3;
/** Of what the grammar has besides: forms, places and numbers of arguments that nobody comes to by himself. */
const grammarShare = 0.3;

export interface FreshRequest {
  readonly statement: FreshStatement;
  readonly step: SentStep;
}

/**
 * Requests in every form that `/query` knows, and between them changes of a database `changing`; with `isMutated` questions
 * alone, in each of which some tokens are wrong; with `isOfLives` lives of databases. A cluster is asked about its fleet, too.
 */
export function* freshRequests(
  seed: number,
  count: number,
  {
    isMutated = false,
    isCluster = false,
    isOfLives = false,
    isOfUsers = false,
    isOfRetention = false,
    copyCount = 1,
    hasOneType = false,
  } = {},
): Generator<FreshRequest> {
  const random = new RandomChoice(seed, 'requests');
  for (let i = 0; i < count; i++)
    if (isOfUsers) yield* usersLife(random, { copyCount }).map(ofLife);
    else if (isOfRetention)
      yield* retentionLife(random, { copyCount, nowMs: Date.now() }).map(ofLife); // prettier-ignore
    else if (isOfLives) yield* databaseLife(random, { copyCount, hasOneType }).map(ofLife);
    else if (isMutated) yield asked(random, (text) => mutated(random, text));
    else if (random.chance(0.1)) yield changed(random, isCluster);
    else if (random.chance(0.06)) yield ofCatalog(random);
    else if (random.chance(grammarShare)) yield* ofGrammar(random, isCluster);
    else if (!isCluster && random.chance(0.01)) yield* dialogues(random);
    else if (random.chance(usesShare)) yield asked(random, (text) => text, uses);
    else if (isCluster && random.chance(fleetShare)) yield asked(random, (text) => text, fleet);
    else yield asked(random);
}

const grammarFamilies = [
  timeSelect,
  windowSelect,
  argumentSelect,
  argumentSelect,
  edgeSelect,
  edgeSelect,
  layersSelect,
  layersSelect,
  listing,
  listing,
  regexStatement,
];

function ofGrammar(random: RandomChoice, isCluster: boolean): readonly FreshRequest[] {
  if (random.chance(0.7)) {
    // What there is to read is spread over the nodes of a cluster.
    const family = random.of(isCluster ? grammarFamilies : [...grammarFamilies, explainStatement]);
    return [
      asked(
        random,
        (text) => text,
        (one) => ({ kind: 'grammar', text: family(one) }),
      ),
    ];
  }
  if (random.chance(0.35)) return [changing(keptQuery(random))];
  // Where a group has several shards each decides types by itself.
  if (isCluster || random.chance(0.5)) {
    const step = preparedStep(random);
    return [{ statement: { kind: 'grammar', text: step.params['q'] ?? '' }, step }];
  }
  if (random.chance(0.3))
    return namesDialogue(random).map((one) => (typeof one === 'string' ? changing(one, random.of(accepted)) : wrote(one))); // prettier-ignore
  return [wrote(bytesWrite(random)), changing(leftByWrites)];
}

function ofLife({ kind, text, step }: LifeStep): FreshRequest {
  return { statement: { kind, text }, step };
}

/** CSV and MessagePack have bytes that JSON replaces. */
const accepted = ['application/json', 'application/csv', 'application/x-msgpack'];

function wrote(step: SentStep): FreshRequest {
  const text = `write ${Buffer.from(step.base64 ?? '', 'base64').toString()}`;
  return { statement: { kind: 'change', text }, step };
}

/** Of some requests, after which nothing of what they made is left. */
function dialogues(random: RandomChoice): readonly FreshRequest[] {
  if (random.chance(0.5)) return policyDialogue(random).map((one) => changing(one));
  const steps = bucketDialogue(random).map((step): FreshRequest => {
    const text = `${step.method} ${step.path} ${JSON.stringify(step.params)} ${step.text ?? ''}`;
    return { statement: { kind: 'change', text }, step };
  });
  return [...steps, ...leftOfBuckets.map((one) => changing(one))];
}

function changing(text: string, accept?: string): FreshRequest {
  const params = { db: 'changing', epoch: 'ns', q: text };
  const headers = accept === undefined ? {} : { Accept: accept };
  return { statement: { kind: 'change', text }, step: { method: 'POST', path: '/query', params, headers } }; // prettier-ignore
}

/** Some at once: what fails keeps those behind it from running. */
function ofCatalog(random: RandomChoice): FreshRequest {
  const text = Array.from({ length: random.of([1, 1, 1, 2, 3]) }, () => catalogStatement(random)).join('; '); // prettier-ignore
  const params: Record<string, string> = { q: text };
  if (random.chance(0.5)) params['db'] = 'made';
  const method = random.chance(0.85) ? 'POST' : 'GET';
  return { statement: { kind: 'change', text }, step: { method, path: '/query', params, headers: {} } }; // prettier-ignore
}

/** Where a group has several shards each decides types by itself, and takes a second one that a single node refuses. */
function ofOneType(lines: string): string {
  return lines.replaceAll(/ n=4(?= )/g, ' n=4i').replaceAll(' usage=2i ', ' usage=2 ');
}

function changed(random: RandomChoice, isCluster: boolean): FreshRequest {
  const { statement, lines } = random.of([
    change,
    change,
    oddChange,
    oddChange,
    (one: RandomChoice) => ({ statement: questionOfChanged(one), lines: undefined }),
    (one: RandomChoice) => ({ statement: dialogue(one), lines: undefined }),
  ])(random); // prettier-ignore
  if (lines === undefined) return changing(statement ?? '');
  const params = { db: 'changing', precision: 's' };
  const text = isCluster ? ofOneType(lines) : lines;
  const step = { method: 'POST', path: '/write', params, headers: {}, text };
  return { statement: { kind: 'change', text: `write ${text}` }, step };
}

/** Of these a 1.12.4 makes windows until its memory is gone. */
const endless = /\btime > 922337203685477580[678]\b.*GROUP BY time/i;

function endingStatement(random: RandomChoice): FreshStatement {
  for (;;) {
    const statement = freshStatement(random);
    if (!endless.test(statement.text)) return statement;
  }
}

function fleet(random: RandomChoice): FreshStatement {
  return { kind: 'fleet', text: fleetSelect(random) };
}

function uses(random: RandomChoice): FreshStatement {
  return { kind: 'use', text: userStatement(random) };
}

function asked(
  random: RandomChoice,
  change = (text: string): string => text,
  first = endingStatement,
): FreshRequest {
  const statement = first(random);
  const texts = [change(statement.text)];
  while (random.chance(0.12)) texts.push(endingStatement(random).text);
  const { text, bound } = random.chance(0.05) ? withParameters(texts.join('; ')) : { text: texts.join('; '), bound: undefined }; // prettier-ignore
  const params: Record<string, string> = { db: 'fresh', q: text };
  if (bound !== undefined) params['params'] = bound;
  if (random.chance(0.8))
    params['epoch'] = random.of(['ns', 'ns', 'ns', 'u', 'n', 'ms', 's', 'm', 'h', 'x']);
  if (random.chance(0.06)) params['rp'] = 'rp2';
  if (random.chance(0.05)) params['pretty'] = 'true';
  if (random.chance(0.06)) params['time_format'] = random.of(['rfc3339', 'epoch', 'nosuch', '']);
  if (random.chance(0.08)) {
    params['chunked'] = 'true';
    if (random.chance(0.7)) params['chunk_size'] = String(random.integer(1, 7));
  }
  const accept = random.maybe(0.1, () => random.of(['application/csv', 'text/csv', 'application/json', 'application/x-msgpack', 'text/html'])); // prettier-ignore
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
