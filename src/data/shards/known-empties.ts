/**
 * Shares of other nodes that had no group, whatever the time, and the mark of that node's lists for which they have none: as long as
 * it has pledged that mark nobody asks it again (pledges/pledge.ts).
 */
import type { AnswerPart } from '../engine/answers/answer-task.ts';

interface Kept {
  readonly lists: string;
  readonly part: AnswerPart;
}

/** Of a document without series it is all; longer ones are not kept. */
const partBytesMax = 1_024;

export class KnownEmpties {
  /** By what stands for the question, and goes with it. */
  readonly #kept = new WeakMap<object, Map<number, Kept>>();

  find(question: object, nodeId: number): Kept | undefined {
    return this.#kept.get(question)?.get(nodeId);
  }

  keep(question: object, nodeId: number, { lists, part }: Kept): void {
    const { bytes, share, closing } = part;
    const head = share?.head;
    const isWhole = part.isLast === true && head !== undefined && share?.spans.length === 0;
    if (!isWhole || bytes.length + head.length > partBytesMax) return;
    const ofQuestion = this.#kept.get(question) ?? new Map<number, Kept>();
    // No views of the message that it came with.
    const own = { bytes: bytes.slice(), closing, isLast: true, share: { head: head.slice(), spans: new Uint32Array() } }; // prettier-ignore
    this.#kept.set(question, ofQuestion.set(nodeId, { lists, part: own }));
  }
}
