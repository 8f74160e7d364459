/**
 * Replies that are made without promises as long as nobody has to wait (query/run/steps.ts): a small answer is a reply that is there
 * once it was asked for. Six async generators one within the other took a fifth of such an answer's time, and a third of its garbage.
 */
import type { EngineReply } from '../../../env/engine-host.ts';
import { asked, type Wait } from '../../../query/run/steps.ts';

/** Gives replies, promises to be waited for, and what gives replies only in turns with others: all of its replies come next. */
export type ReplyFlow = Generator<EngineReply | Wait | AsyncGenerator<EngineReply>, void, undefined>; // prettier-ignore

/** The only reply where nothing had to be waited for; else all of them, which have to be asked for: the flow has begun. */
export function begunReplies(flow: ReplyFlow): EngineReply | AsyncGenerator<EngineReply> {
  const first = flow.next();
  if (first.done === true || isWait(first.value) || isMany(first.value) || first.value.isLast !== true)
    return repliesOf(flow, first); // prettier-ignore
  flow.return();
  return first.value;
}

/** From `first` on, which is the next step where it is left out. */
export async function* repliesOf(
  flow: ReplyFlow,
  first?: ReturnType<ReplyFlow['next']>,
): AsyncGenerator<EngineReply> {
  try {
    let next = first ?? flow.next();
    while (next.done !== true) {
      const { value } = next;
      if (isWait(value)) {
        next = await asked(flow, value);
        continue;
      }
      if (isMany(value)) yield* value;
      else yield value;
      next = flow.next();
    }
  } finally {
    flow.return();
  }
}

function isWait(step: EngineReply | Wait | AsyncGenerator<EngineReply>): step is Wait {
  return step instanceof Promise;
}

function isMany(step: EngineReply | AsyncGenerator<EngineReply>): step is AsyncGenerator<EngineReply> {
  return Symbol.asyncIterator in step;
} // prettier-ignore
