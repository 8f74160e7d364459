/**
 * The parts of a SELECT's document where several nodes have its shards and each of them answers for its own groups (decision 98).
 *
 * - A share says which groups it may have before it says anything of them. If no two say the same one, each group's answer is
 *   what its node made of it alone, and their documents are merged as bytes.
 * - Else, and where schemas differ, groups are too many to be told, a share did not come, or a node is of an earlier release, the iterator fails as a node that
 *   has not answered does, before anything has left: then all is answered the general way. So it is where a node refuses: it
 *   knows a part of the fields and types, and all of them may have an answer, or another reason.
 */
import { DbError } from '../../base/errors.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import { decodeShareHead } from '../engine/answers/answer-share.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';
import type { ApartMemory } from './apart-questions.ts';
import type { Ending } from './end-with.ts';
import { isRefusal } from '../shards/node-failure.ts';
import { mergeShares, turnsOf, type StartedShare } from './merge-shares.ts';

export interface PartedQuestion {
  readonly question: string;
  readonly memory: ApartMemory;
  readonly ascending: boolean;
  /** What is held of the shares is charged there; closed with them. */
  readonly account: QueryAccount;
  /** Of all shares: one that has yet to answer lets go of its reader only once it is stopped. */
  readonly ending: Pick<Ending, 'stop' | 'release'>;
}

/** `shares` have been asked for nothing yet: those of other nodes stand first, as they are the farthest. */
export async function* partedAnswer(
  shares: readonly AsyncIterator<AnswerPart>[],
  asked: PartedQuestion,
): AsyncGenerator<AnswerPart> {
  let isRead = false;
  try {
    const firsts = await Promise.all(shares.map((share) => firstOf(share, asked)));
    const started = firsts.map((first, i) => startedShare(first, shares[i], asked));
    const having = started.filter(({ groups }) => groups.length > 0);
    const turns = isOnePlan(started) ? turnsOf(having, asked.ascending) : undefined;
    if (turns === undefined) throw notApart(asked);
    asked.memory.wereApart(asked.question);
    const [one = started[0], ...others] = having;
    if (one !== undefined) yield* others.length === 0 ? restOf(one) : mergeShares(having, turns);
    isRead = true;
  } finally {
    asked.account.close();
    if (isRead) asked.ending.release();
    else asked.ending.stop();
    await Promise.all(shares.map(async (share) => share.return?.()));
  }
}

interface PlannedShare extends StartedShare {
  readonly planned: string;
}

/** Those that had nothing to plan by have no field or tag that others might show. */
function isOnePlan(shares: readonly PlannedShare[]): boolean {
  return new Set(shares.flatMap(({ planned }) => (planned === '' ? [] : planned))).size < 2;
}

function startedShare(
  first: IteratorResult<AnswerPart>,
  parts: AsyncIterator<AnswerPart> | undefined,
  asked: PartedQuestion,
): PlannedShare {
  const head = first.done === true ? undefined : first.value.share?.head;
  if (first.done === true || parts === undefined || head === undefined || head.length === 0)
    throw notApart(asked);
  asked.account.charge(head.length + first.value.bytes.length);
  const { planned, groups, isTooMany } = decodeShareHead(head, asked.ascending);
  if (isTooMany === true) throw notApart(asked);
  return { planned, groups, first: first.value, parts };
}

async function firstOf(
  share: AsyncIterator<AnswerPart>,
  asked: PartedQuestion,
): Promise<IteratorResult<AnswerPart>> {
  try {
    return await share.next();
  } catch (error) {
    throw isRefusal(error) ? notApart(asked, error) : error;
  }
}

/** Its document is that of all. */
async function* restOf({ first, parts }: StartedShare): AsyncGenerator<AnswerPart> {
  yield first;
  if (first.isLast === true) return;
  for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
    yield next.value;
    if (next.value.isLast === true) return;
  }
}

function notApart({ memory, question }: PartedQuestion, cause?: unknown): DbError {
  memory.wereNotApart(question);
  return new DbError('unavailable', 'the groups of several nodes are not apart', { cause });
}
