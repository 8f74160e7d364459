/**
 * The documents of shares of an answer as one document (decision 98): series stand in the order of their groups, each with the
 * bytes that the worker wrote who has the group. Nothing is parsed; what is held is a part of each share and one of the whole.
 */
import { Buffer } from 'node:buffer';
import { DbError } from '../../base/errors.ts';
import { sentBytes } from '../../query/emit/answer-piece.ts';
import { compareGroups, type GroupKey } from '../../query/fragment.ts';
import { checkSpans, spanNumbers } from '../engine/answers/answer-share.ts';
import type { AnswerPart } from '../engine/answers/answer-task.ts';

/** A share of which the first part is here. */
export interface StartedShare {
  readonly groups: readonly GroupKey[];
  readonly first: AnswerPart;
  readonly parts: AsyncIterator<AnswerPart>;
}

/** A group, and who has it: a place among the shares, and one among that share's groups. */
interface Turn {
  readonly key: GroupKey;
  readonly share: number;
  readonly group: number;
}

/** The groups of all shares in order; undefined where two of them may have rows of one. */
export function turnsOf(
  shares: readonly Pick<StartedShare, 'groups'>[],
  ascending: boolean,
): readonly Turn[] | undefined {
  const sign = ascending ? 1 : -1;
  const turns = shares.flatMap(({ groups }, share) => groups.map((key, group): Turn => ({ key, share, group }))); // prettier-ignore
  // Each share's are in order: as many comparisons as there are groups.
  turns.sort((a, b) => sign * compareGroups(a.key, b.key));
  for (let i = 1; i < turns.length; i++)
    if (compareGroups(turns[i - 1]?.key ?? [], turns[i]?.key ?? []) === 0) return undefined;
  return turns;
}

/** Throws `corrupt` for parts that are not what they say. Each part is the reader's until he asks for the next. */
export async function* mergeShares(
  shares: readonly StartedShare[],
  turns: readonly Turn[],
): AsyncGenerator<AnswerPart> {
  const readers = shares.map((share) => new ShareReader(share));
  const whole = new MergedDocument(shares.every(({ first }) => first.isLast === true) ? shares : undefined); // prettier-ignore
  for (const { share, group } of turns) {
    const reader = readers[share];
    if (reader === undefined) continue;
    let isOpen = false;
    while (await reader.isAt(group)) {
      const bytes = reader.take();
      if (!isOpen) whole.openSeries();
      isOpen = true;
      whole.add(bytes);
      // Not within these bytes: nothing would close half a row.
      if (whole.isFull) yield whole.part(reader.closing);
      // A series may go on in the next part of its share.
      if (!reader.isAtEnd) break;
    }
  }
  yield whole.end();
}

class ShareReader {
  readonly #share: StartedShare;
  #part: AnswerPart;
  #spans: Uint32Array;
  /** The number of the next span. */
  #next = 0;

  constructor(share: StartedShare) {
    this.#share = share;
    this.#part = share.first;
    this.#spans = this.#spansOf(share.first);
  }

  /** What closes the document behind what was taken last. */
  get closing(): string {
    return this.isAtEnd && this.#part.isLast !== true ? this.#part.closing : ']';
  }

  /** All of the part has been taken: what was taken last may go on in the next one. */
  get isAtEnd(): boolean {
    return this.#next === this.#spans.length;
  }

  /** Whether the next bytes are of a group; those of groups that have none are passed over by whoever asks for the next. */
  async isAt(group: number): Promise<boolean> {
    while (this.isAtEnd) {
      if (this.#part.isLast === true) return false;
      const next = await this.#share.parts.next();
      if (next.done === true) throw corrupt('ends before it says so');
      this.#part = next.value;
      this.#spans = this.#spansOf(next.value);
      this.#next = 0;
    }
    const at = this.#spans[this.#next] ?? 0;
    if (at < group) throw corrupt('has a series twice');
    return at === group;
  }

  take(): Uint8Array {
    const [start, end] = [this.#spans[this.#next + 1], this.#spans[this.#next + 2]];
    this.#next += spanNumbers;
    return this.#part.bytes.subarray(start, end);
  }

  #spansOf({ share, bytes }: AnswerPart): Uint32Array {
    const spans = share?.spans ?? new Uint32Array();
    checkSpans(spans, this.#share.groups.length, bytes.length);
    return spans;
  }
}

const head = Buffer.from('{"results":[{"statement_id":0');
const opening = Buffer.from(',"series":[');
const [tail, emptyTail] = [Buffer.from(']}]}\n'), Buffer.from('}]}\n')];
/** Room for the end and for what stands before a series. */
const roomBytes = 64;

/** Parts leave in memory that is used in turn: as one is the reader's until he asks for the next, two are enough. */
class MergedDocument {
  readonly #buffers: Uint8Array[] = [];
  readonly #isWhole: boolean;
  #bytes: Uint8Array;
  #length = 0;
  #hasSeries = false;
  #partCount = 0;

  /** `shares` where all that they have is here: then the document is one part. */
  constructor(shares: readonly StartedShare[] | undefined) {
    this.#isWhole = shares !== undefined;
    const lengthBytes = shares?.reduce((sum, { first }) => sum + first.bytes.length, 0);
    this.#bytes = lengthBytes === undefined ? this.#lent() : Buffer.allocUnsafe(lengthBytes + roomBytes); // prettier-ignore
    this.#put(head);
  }

  get isFull(): boolean {
    return !this.#isWhole && this.#length >= sentBytes;
  }

  openSeries(): void {
    if (this.#hasSeries) this.#bytes[this.#length++] = 44;
    else this.#put(opening);
    this.#hasSeries = true;
  }

  add(bytes: Uint8Array): void {
    const neededBytes = this.#length + bytes.length + roomBytes;
    if (neededBytes > this.#bytes.length) {
      const larger = new Uint8Array(new SharedArrayBuffer(2 * neededBytes));
      larger.set(this.#bytes.subarray(0, this.#length));
      this.#bytes = larger;
    }
    this.#put(bytes);
  }

  part(closing: string): AnswerPart {
    const bytes = this.#bytes.subarray(0, this.#length);
    this.#bytes = this.#lent();
    this.#length = 0;
    return { bytes, closing, isLast: false };
  }

  end(): AnswerPart {
    this.#put(this.#hasSeries ? tail : emptyTail);
    return { bytes: this.#bytes.subarray(0, this.#length), closing: '', isLast: true };
  }

  #put(bytes: Uint8Array): void {
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #lent(): Uint8Array {
    const at = this.#partCount++ % 2;
    // Shared, so that whoever keeps a part knows to copy it (base/lent-bytes.ts).
    return (this.#buffers[at] ??= new Uint8Array(new SharedArrayBuffer(2 * sentBytes)));
  }
}

function corrupt(what: string): DbError {
  return new DbError('corrupt', `share of an answer: it ${what}`);
}
