import { Buffer } from 'node:buffer';
import { keptBytes } from '../../base/lent-bytes.ts';
import { ByteWriter } from '../../query/emit/byte-writer.ts';
import type { QueryAccount } from '../../query/run/query-account.ts';
import { longAnswerBytes, type AnswerPart } from '../engine/answers/answer-task.ts';

export interface WholeAnswer {
  readonly kind: 'whole';
  readonly bytes: Buffer;
  /** The same bytes are given again, as long as they hold (schema/known-lists.ts). */
  readonly isKept?: true;
}

/** A document that is whole, or one that begins to leave while the rest of it is made. */
export type StartedAnswer =
  | WholeAnswer
  | {
      readonly kind: 'parts';
      /** The first of them. */
      readonly taken: readonly Buffer[];
      /** Each is the reader's until he asks for the next (base/lent-bytes.ts). */
      readonly parts: AsyncGenerator<Buffer>;
    };

export interface AnswerHold {
  readonly account: QueryAccount;
  /** Until the first part and so many bytes are there nothing leaves: a failure is still one of the whole statement (decision 13). */
  readonly heldBytesMax: number;
  /** What the statement says that ended with an error behind what has left. */
  readonly textOf: (error: unknown) => string;
  /** True while the client has yet to take what there is. */
  readonly onIdle: (isIdle: boolean) => void;
  /** Called once, however the answer ends; with why it failed while nothing could have left. */
  readonly onEnd: (error?: unknown) => void;
}

/** More than this leaves in parts, though it is whole. */
const wholeBytesMax = 1 << 20;

/** Rejects with what the statement failed with while nothing could have left; then `onEnd` was called, too. */
export async function startAnswer(
  parts: AsyncIterator<AnswerPart>,
  hold: AnswerHold,
): Promise<StartedAnswer> {
  const { account, heldBytesMax } = hold;
  const held: AnswerPart[] = [];
  let heldBytes = 0;
  let isDone = false;
  try {
    do {
      const next = await parts.next();
      if (next.done === true) {
        isDone = true;
        break;
      }
      account.charge(next.value.bytes.length);
      heldBytes += next.value.bytes.length;
      held.push({ ...next.value, bytes: keptBytes(bufferOf(next.value)) });
    } while (heldBytes < heldBytesMax);
    if (!isDone) account.charge(Math.max(0, longAnswerBytes - heldBytes));
  } catch (error) {
    await endOf(parts, () => {
      hold.onEnd(error);
    });
    throw error;
  }
  if (!isDone || heldBytes > wholeBytesMax) {
    const rest = restOf(held, parts, hold);
    // Begun, so that it ends what it holds also where it is left before it was asked for anything.
    await rest.next();
    return { kind: 'parts', taken: [], parts: rest };
  }
  hold.onEnd();
  const [only, ...others] = held;
  const bytes = others.length === 0 && only !== undefined ? bufferOf(only) : Buffer.concat(held.map(bufferOf)); // prettier-ignore
  return { kind: 'whole', bytes };
}

async function endOf(parts: AsyncIterator<AnswerPart>, onEnd: () => void): Promise<void> {
  try {
    await parts.return?.();
  } finally {
    onEnd();
  }
}

/**
 * What was held back stays charged until the end: as much is on its way behind it then, made and not taken (decision 136). Its
 * first part is none.
 */
async function* restOf(
  held: AnswerPart[],
  parts: AsyncIterator<AnswerPart>,
  { textOf, onIdle, onEnd }: AnswerHold,
): AsyncGenerator<Buffer> {
  let closing = '';
  try {
    yield Buffer.alloc(0);
    for (let part = held.shift(); part !== undefined; part = held.shift()) {
      closing = part.closing;
      onIdle(true);
      yield bufferOf(part);
      onIdle(false);
    }
    for (let next = await parts.next(); next.done !== true; next = await parts.next()) {
      closing = next.value.closing;
      onIdle(true);
      yield bufferOf(next.value);
      onIdle(false);
    }
  } catch (error) {
    yield errorEnd(closing, textOf(error));
  } finally {
    await endOf(parts, onEnd);
  }
}

/** The end of a document of which so much has left that `closing` closes its lists, or of one with nothing else that it opens. */
function errorEnd(closing: string, text: string): Buffer {
  const writer = new ByteWriter();
  writer.ascii(`${closing},"error":`);
  writer.jsonString(text);
  writer.ascii('}]}\n');
  return writer.take();
}

function bufferOf({ bytes }: AnswerPart): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}
