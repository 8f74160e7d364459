/** The chunks of an answer, from two workers, as the one document that they are. */
import { Buffer } from 'node:buffer';
import { must } from '../../../../base/assert.ts';
import { DbError } from '../../../../base/errors.ts';
import { firstStatement } from '../../../../query/emit/json-writer.ts';
import type { AnswerPart } from '../answer-task.ts';
import { chunkTail, type ChunkPart, type SharedAnswer } from './shared-answer.ts';

const comma = 44;

/** What a worker answers, and its next part where that is known. */
class ChunkStream {
  readonly parts: AsyncIterator<unknown>;
  #head: ChunkPart | undefined;
  #asked: Promise<void> | undefined;
  #isDone = false;

  constructor(parts: AsyncIterator<unknown>) {
    this.parts = parts;
  }

  /** Its next part, if it is of the chunk; whoever takes it asks for the one behind. */
  take(chunk: number): ChunkPart | undefined {
    const head = this.#head;
    if (head?.chunk !== chunk) return undefined;
    this.#head = undefined;
    return head;
  }

  /** Resolves once there is a next part, or none will be; undefined where that is so already. */
  waiting(): Promise<void> | undefined {
    if (this.#isDone || this.#head !== undefined) return undefined;
    if (this.#asked === undefined) {
      this.#asked = this.#ask();
      // Whoever waits next hears of it.
      this.#asked.catch(() => undefined);
    }
    return this.#asked;
  }

  async #ask(): Promise<void> {
    const next = await this.parts.next();
    this.#asked = undefined;
    if (next.done === true) this.#isDone = true;
    else this.#head = next.value as ChunkPart;
  }
}

/**
 * The parts of the document, in the order of chunks: each worker is asked on as soon as a part of its own was taken, and waits
 * when it is far ahead. Who reads them tells the workers to stop: one may have a part under way that nobody wants any more.
 */
export async function* joinChunks(
  { cut, chunkCount }: SharedAnswer,
  workers: readonly AsyncIterator<unknown>[],
): AsyncGenerator<AnswerPart> {
  const streams = workers.map((parts) => new ChunkStream(parts));
  const closing = cut.kind === 'groups' ? ']' : ']}]';
  let isBegun = false;
  for (let chunk = 0; chunk < chunkCount;) {
    const part = await nextOf(streams, chunk);
    if (part.isEnd) chunk++;
    const bytes = isBegun ? continuedBytes(part) : part.bytes;
    if (bytes.length === 0) continue;
    isBegun = true;
    yield { bytes, closing, isLast: false };
  }
  const end = isBegun ? chunkTail(cut) : `${firstStatement}}]}\n`;
  yield { bytes: new Uint8Array(Buffer.from(end)), closing: '', isLast: true };
}

async function nextOf(streams: readonly ChunkStream[], chunk: number): Promise<ChunkPart> {
  for (;;) {
    // All are asked first, so that none waits for another.
    const waiting = streams.flatMap((stream) => stream.waiting() ?? []);
    for (const stream of streams) {
      const part = stream.take(chunk);
      if (part !== undefined) return part;
    }
    if (waiting.length === 0) throw new DbError('internal', 'a worker ended before its chunks');
    await Promise.race(waiting);
  }
}

/** Behind the chunks before it. */
function continuedBytes({ bytes, headBytes }: ChunkPart): Uint8Array {
  if (headBytes === 0) return bytes;
  must(bytes[headBytes], 'something follows the head');
  bytes[headBytes - 1] = comma;
  return bytes.subarray(headBytes - 1);
}
