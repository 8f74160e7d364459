import { compareBytes } from '../../base/text-pile.ts';
import { compareUtf8 } from '../../base/compare-utf8.ts';
import { ListPacker, runWords, type PackedList } from '../engine/lists/packed-list.ts';
import type { ListPiece } from '../engine/lists/schema-list.ts';

/** The part in hand of one stream: its run, and the next text of it. */
interface Head {
  readonly parts: AsyncIterator<PackedList>;
  part: PackedList;
  run: number;
  text: number;
  runEnd: number;
}

/** The texts [text, runEnd) of a list. */
export interface TextRun {
  /** Place of the measurement in the request. */
  readonly at: number;
  /** The tag whose values, or the type whose fields these are; '' otherwise. */
  readonly key: string;
  readonly first: number;
  readonly end: number;
}

/** The runs of a part one behind the other. */
export function* runsOf({ runs, keys }: PackedList): Generator<TextRun> {
  let first = 0;
  for (let i = 0; i < runs.length; i += runWords) {
    const end = first + (runs[i + 2] ?? 0);
    yield { at: runs[i] ?? 0, key: keys[runs[i + 1] ?? 0] ?? '', first, end };
    first = end;
  }
}

/**
 * The lists of several lanes as one: in order of the measurements, of the keys and of the texts, each text once. One part of each
 * stream is held; all are asked at once for their first. A reader that leaves ends the streams, and so does one that fails.
 */
export async function* mergePacked(
  streams: readonly AsyncIterable<PackedList>[],
): AsyncGenerator<PackedList> {
  const [only, ...others] = streams;
  if (only !== undefined && others.length === 0) {
    yield* only;
    return;
  }
  const all = streams.map((stream) => stream[Symbol.asyncIterator]());
  let hasFailed = false;
  try {
    const firsts = await Promise.all(all.map((parts) => parts.next()));
    let heads = all.flatMap((parts, i): Head[] => {
      const first = firsts[i];
      return first === undefined || first.done === true ? [] : [headOf(parts, first.value)];
    });
    const packer = new ListPacker();
    while (heads.length > 0) {
      mergeUntilOneEnds(heads, packer);
      if (packer.isFull) yield* packer.take();
      for (const head of heads) {
        if (head.text < head.runEnd || nextRun(head)) continue;
        const next = await head.parts.next();
        if (next.done === true) heads = heads.filter((one) => one !== head);
        else Object.assign(head, headOf(head.parts, next.value));
      }
    }
    yield* packer.take();
  } catch (error) {
    hasFailed = true;
    throw error;
  } finally {
    const ended = Promise.all(all.map(async (parts) => parts.return?.()));
    // One that is still asked ends behind its answer.
    if (hasFailed) ended.catch(() => undefined);
    else await ended;
  }
}

/** Pieces of a list, in their order, as bytes. */
export async function* packedOf(
  batches: AsyncIterable<readonly ListPiece[]>,
): AsyncGenerator<PackedList> {
  const packer = new ListPacker();
  for await (const batch of batches) {
    for (const { at, key, texts } of batch) {
      for (const text of texts) packer.pile.addText(text);
      packer.endRun(at, key);
    }
    yield* packer.take();
  }
}

/** A part has a run at least. */
function headOf(parts: AsyncIterator<PackedList>, part: PackedList): Head {
  return { parts, part, run: 0, text: 0, runEnd: part.runs[2] ?? 0 };
}

function nextRun(head: Head): boolean {
  const { runs } = head.part;
  head.run += runWords;
  head.runEnd += runs[head.run + 2] ?? 0;
  return head.run < runs.length;
}

function atOf({ part, run }: Head): number {
  return part.runs[run] ?? 0;
}

function keyOf({ part, run }: Head): string {
  return part.keys[part.runs[run + 1] ?? 0] ?? '';
}

function compareLists(left: Head, right: Head): number {
  return atOf(left) - atOf(right) || compareUtf8(keyOf(left), keyOf(right));
}

/** What comes after the last text of a run may still come from its stream: there it stops. */
function mergeUntilOneEnds(heads: readonly Head[], packer: ListPacker): void {
  let [least] = heads;
  if (least === undefined) return;
  for (const head of heads) if (compareLists(head, least) < 0) least = head;
  const list = least;
  const group = heads.filter((head) => compareLists(head, list) === 0);
  if (group.length === 1) for (; list.text < list.runEnd; list.text++) add(list, packer);
  while (group.every(({ text, runEnd }) => text < runEnd)) {
    let first = list;
    for (const head of group) if (compareTexts(head, first) < 0) first = head;
    add(first, packer);
    for (const head of group) if (head !== first && compareTexts(head, first) === 0) head.text++;
    first.text++;
  }
  packer.endRun(atOf(list), keyOf(list));
}

function add({ part: { bytes, ends }, text }: Head, { pile }: ListPacker): void {
  pile.add(bytes, text === 0 ? 0 : (ends[text - 1] ?? 0), ends[text] ?? 0);
}

function compareTexts(left: Head, right: Head): number {
  return compareBytes(left.part.bytes, spanOf(left), right.part.bytes, spanOf(right));
}

function spanOf({ part: { ends }, text }: Head): { readonly start: number; readonly end: number } {
  return { start: text === 0 ? 0 : (ends[text - 1] ?? 0), end: ends[text] ?? 0 };
}
