import { answerDifference } from '../compare-answers.ts';
import { StepSender, type GivenAnswer, type SentStep } from '../send-step.ts';

const shownBefore = 200;
const shownBehind = 100;

/**
 * Has one node of a cluster do what changes something, as a client that reads what it wrote; `reader` asks each node, which
 * have to say the same.
 */
export class ClusterSender {
  readonly reader: Pick<StepSender, 'send'>;
  readonly #first: StepSender;
  readonly #others: readonly StepSender[];

  constructor([first, ...others]: readonly [string, ...string[]]) {
    this.#first = new StepSender(first);
    this.#others = others.map((url) => new StepSender(url));
    this.reader = { send: (step) => this.#ask(step) };
  }

  send(step: SentStep): Promise<GivenAnswer> {
    return this.#first.send(step);
  }

  /** What all nodes say; where they differ, an answer that is nobody's. */
  async #ask(step: SentStep): Promise<GivenAnswer> {
    const answer = await this.#first.send(step);
    for (const node of this.#others) {
      const other = await node.send(step);
      // Nodes add floats up in another order each.
      if (answerDifference(other, { ...answer, answer: answer.text }, 'holt') === undefined) continue; // prettier-ignore
      return { ...answer, text: parting(answer.text, other.text) };
    }
    return answer;
  }

  close(): void {
    for (const node of [this.#first, ...this.#others]) node.close();
  }
}

/** Where two texts part. */
function parting(one: string, other: string): string {
  let at = 0;
  while (one[at] === other[at]) at++;
  const [start, end] = [Math.max(0, at - shownBefore), at + shownBehind];
  return `one node: ${one.slice(start, end)} another: ${other.slice(start, end)}`;
}
