import { answerDifference } from '../compare-answers.ts';
import { packAsJson, packType } from '../compare-pack.ts';
import { prepareServer, unsupportedText } from '../replay.ts';
import { StepSender, type GivenAnswer, type SentStep } from '../send-step.ts';
import { ClusterSender } from './cluster-sender.ts';
import type { Change, Interruptions } from './interruptions.ts';
import type { LifeBackups } from './life-backups.ts';
import { purposeOf } from './purposes.ts';
import { changedThings } from './random-catalog.ts';
import { freshData } from './random-data.ts';
import { fleetBodies } from './random-fleet.ts';
import { retentionSettlesMs } from './random-retention.ts';
import { freshRequests } from './random-requests.ts';
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
  /** Of a node, or of all nodes of a cluster. */
  readonly ours: readonly [string, ...string[]];
  readonly theirs: string;
  /** A second one of theirs: with the other index, and the points written in another order. */
  readonly second?: string | undefined;
}

export interface FreshOptions {
  readonly seed: number;
  readonly count: number;
  readonly isMutated?: boolean;
  /** Lives of databases, and nothing else. */
  readonly isOfLives?: boolean;
  /** Lives of users of servers with `auth-enabled`, and nothing else. */
  readonly isOfUsers?: boolean;
  /** Lives of policies that keep points for longer, and shorter, and nothing else. */
  readonly isOfRetention?: boolean;
  /** Of each database: what a reference without a cluster keeps, and makes nothing of. */
  readonly copyCount?: number;
  /** What befalls nodes around each request that changes something. */
  readonly interruptions?: Pick<Interruptions, 'around'> | undefined;
  /** What is done between them. */
  readonly backups?: Pick<LifeBackups, 'afterChange'> | undefined;
}

/** How often the second one is asked: the walk of a map differs from time to time. */
const secondAskedCount = 6;

/** Gives the same random data and requests to servers, all empty, and compares their answers one by one. */
export async function* runFresh(
  urls: FreshUrls,
  options: FreshOptions,
): AsyncGenerator<FreshOutcome> {
  const { seed, count, copyCount = 1 } = options;
  const [node, ...others] = urls.ours;
  const isCluster = others.length > 0;
  // Where a group has several shards each decides types by itself.
  const hasOneType = isCluster && copyCount !== urls.ours.length;
  const settlesMs = options.isOfRetention === true ? retentionSettlesMs : 0;
  const given = { ...options, isCluster, hasOneType };
  const data = { isCluster, hasTies: seed % 2 === 0 };
  if (options.isOfUsers !== true) {
    await prepare(node, given, 0);
    await prepare(urls.theirs, given, 0);
    if (urls.second !== undefined) await prepare(urls.second, given, seed + 1);
  }
  const ours = new ClusterSender(urls.ours);
  const theirs = new StepSender(urls.theirs);
  const second = urls.second === undefined ? undefined : new StepSender(urls.second);
  try {
    for (const { statement, step } of freshRequests(seed, count, given)) {
      // What changes something is done by all of them, once.
      const isRead = statement.kind !== 'change';
      const change = changeOf(ours, step);
      const asked = isRead || options.interruptions === undefined ? send(isRead ? ours.reader : ours, step) : options.interruptions.around(change); // prettier-ignore
      const [given, other] = (await Promise.all([asked, send(theirs, step)])).map(timeless) as [GivenAnswer, GivenAnswer]; // prettier-ignore
      const own = change.wasDoneBefore(given, other) ? other : given;
      // What is past its policy by now goes at the next look.
      if (settlesMs > 0 && statement.text.includes('DURATION')) await new Promise((resolve) => setTimeout(resolve, settlesMs)); // prettier-ignore
      const difference = differenceOf(own, other, statement.kind);
      const chance: GivenAnswer[] = [];
      if (second !== undefined && (!isRead || difference !== undefined))
        for (let i = 0; i < (isRead ? secondAskedCount : 1); i++)
          chance.push(timeless(await send(second, step)));
      const answers = { statement, step, ours: own, theirs: other, difference };
      yield { ...answers, verdict: verdictOf(answers, chance, data) };
      if (!isRead) await options.backups?.afterChange();
      // What one of them has done and another has not would be told by many that follow.
      const areApart = [other, ...chance].some(
        (one) => differenceOf(own, one, 'change') !== undefined,
      );
      if (!isRead && (areApart || partsSilently(statement.text, own, data)))
        await startAgain([ours, theirs, ...(second === undefined ? [] : [second])], copyCount);
    }
  } finally {
    ours.close();
    theirs.close();
    second?.close();
  }
}

/** Of what a policy refuses the text tells the time of then, and of what is explained how long it took and what memory has of points written twice. */
function timeless(answer: GivenAnswer): GivenAnswer {
  const text = answer.text
    .replaceAll(/Bound at \S+/g, 'Bound')
    .replaceAll(/((?:execution|planning|total)_time: )[^"\\]+/g, '$1now')
    .replaceAll(/(CACHED VALUES: |cached_values: |shard_id: )\d+/gi, '$1some');
  return { ...answer, text };
}

/** Answers that say what is wrong with the request, and those that say that it was done, or may be. */
const isTaken = /expected|invalid|unsupported|not found|exists|authoriz|authentication|required/;
const isDone = /not found|already exists/;

interface AskedChange extends Change<GivenAnswer> {
  /** What was told to have failed may have been done: asked for again there is nothing left to do. */
  readonly wasDoneBefore: (own: GivenAnswer, theirs: GivenAnswer) => boolean;
}

function changeOf(cluster: ClusterSender, step: SentStep): AskedChange {
  let failedCount = 0;
  const isRefused = ({ status, text }: GivenAnswer): boolean =>
    status === 0 || (status >= 500 || text.includes('"error":"')) && !isTaken.test(text); // prettier-ignore
  return {
    ask: async (number) => {
      const answer = await send({ send: (one) => cluster.send(one, number) }, step);
      if (isRefused(answer)) failedCount++;
      return answer;
    },
    isRefused,
    wasDoneBefore: ({ text }, theirs) =>
      failedCount > 0 && isDone.test(text) && !theirs.text.includes('"error":'),
  };
}

export function verdictOf(
  { statement, step, ours, theirs, difference }: Omit<FreshOutcome, 'verdict'>,
  others: readonly GivenAnswer[],
  data: { readonly isCluster: boolean; readonly hasTies: boolean },
): FreshVerdict {
  const { kind, text } = statement;
  const theirText = theirs.type === packType ? packAsJson(theirs.text) : theirs.text;
  if (difference === undefined) return 'agree';
  if (ours.text.includes(unsupportedText)) return 'unsupported';
  if (others.some((other) => differenceOf(ours, other, kind) === undefined))
    return 'agree with the second';
  if (others.some((other) => differenceOf(other, theirs, kind) !== undefined)) return 'chance';
  const isOfChanged = kind === 'change' || step.params['db'] === 'life';
  const purpose = purposeOf({ statement: text, theirs: theirText, difference, isOfChanged, ...data }); // prettier-ignore
  return purpose === undefined ? 'differ' : 'on purpose';
}

/** A server that breaks off is an answer as well. */
export function send(sender: Pick<StepSender, 'send'>, step: SentStep): Promise<GivenAnswer> {
  return sender.send(step).catch((error: unknown) => {
    return { status: 0, type: '', text: `no answer: ${String(error)}` };
  });
}

export function differenceOf(
  own: GivenAnswer,
  other: GivenAnswer,
  kind: string,
): string | undefined {
  const recorded = { status: other.status, type: other.type, answer: other.text };
  return answerDifference(own, recorded, kind);
}

async function prepare(
  url: string,
  { seed, copyCount = 1, isCluster }: FreshOptions & { readonly isCluster: boolean },
  shuffle: number,
): Promise<void> {
  const copies = `REPLICATION ${copyCount}`;
  const { setup, writes } = freshData(seed, { shuffle, copies });
  const fleet = isCluster ? [...fleetBodies(seed)].map((body) => ({ params: { db: 'fresh' }, body })) : []; // prettier-ignore
  // Every node may be asked at once.
  const whole = [...writes, ...fleet].map(({ params, body }) => {
    return { params: { ...params, consistency: 'all' }, body };
  });
  await prepareServer(url, { setup: [...setup, changingOf(copyCount)], writes: whole, cases: [] });
}

function changingOf(copyCount: number): string {
  return `CREATE DATABASE changing WITH REPLICATION ${copyCount} SHARD DURATION 1h`;
}

/** There a DELETE that is refused over one measurement is done over those before it; of rows of one time the heap keeps one. */
function partsSilently(
  text: string,
  own: GivenAnswer,
  { hasTies }: { readonly hasTies: boolean },
): boolean {
  return own.text.includes('not supported in WHERE clause') || (hasTies && / INTO /.test(text));
}

/** Nothing of what changes is left. Whoever has it not says so, and that is well. */
async function startAgain(
  senders: readonly Pick<StepSender, 'send'>[],
  copyCount: number,
): Promise<void> {
  const statements = ['DROP DATABASE changing', ...changedThings.map((one) => `DROP ${one}`), changingOf(copyCount)]; // prettier-ignore
  for (const q of statements)
    for (const sender of senders)
      await send(sender, { method: 'POST', path: '/query', params: { q }, headers: {} });
}
