import { answerDifference } from '../compare-answers.ts';
import { StepSender, type GivenAnswer, type SentStep } from '../send-step.ts';

const shownBefore = 200;
const shownBehind = 100;
const partingHead = 'one node: ';
const againMs = 100;
const attemptsMax = 50;

/**
 * Has the nodes of a cluster in turn do what changes something, or the one that is named; `reader` asks each node, which have to
 * say the same.
 */
export class ClusterSender {
  readonly reader: Pick<StepSender, 'send'>;
  readonly #urls: readonly string[];
  readonly #nodes: readonly StepSender[];
  #sentCount = 0;

  constructor(urls: readonly string[]) {
    this.#urls = urls;
    this.#nodes = urls.map((url) => new StepSender(url));
    this.reader = { send: (step) => this.#ask(step) };
  }

  get isCluster(): boolean {
    return this.#nodes.length > 1;
  }

  /** Of connections of its own. */
  another(): ClusterSender {
    return new ClusterSender(this.#urls);
  }

  /** `number` is that of a node, from one. */
  send(
    step: SentStep,
    number = 1 + (this.#sentCount++ % this.#nodes.length),
  ): Promise<GivenAnswer> {
    const node = this.#nodes[number - 1];
    if (node === undefined) throw new Error(`there is no node ${number}`);
    return node.send(step);
  }

  /**
   * What all nodes say; where they differ, an answer that is nobody's. What one of them has changed in the catalog others hear of a
   * moment later: they are asked again for a while.
   */
  async #ask(step: SentStep): Promise<GivenAnswer> {
    for (let attempt = 1; ; attempt++) {
      const answer = await this.#askOnce(step);
      if (!answer.text.startsWith(partingHead) || attempt === attemptsMax) return answer;
      await new Promise((resolve) => setTimeout(resolve, againMs));
    }
  }

  async #askOnce(step: SentStep): Promise<GivenAnswer> {
    const [first, ...others] = this.#nodes;
    if (first === undefined) throw new Error('a cluster has nodes');
    const answer = await first.send(step);
    for (const node of others) {
      const other = await node.send(step);
      // Nodes add floats up in another order each.
      if (answerDifference(other, { ...answer, answer: answer.text }, 'holt') === undefined) continue; // prettier-ignore
      return { ...answer, text: parting(answer.text, other.text) };
    }
    return answer;
  }

  close(): void {
    for (const node of this.#nodes) node.close();
  }
}

/** Where two texts part. */
function parting(one: string, other: string): string {
  let at = 0;
  while (one[at] === other[at]) at++;
  const [start, end] = [Math.max(0, at - shownBefore), at + shownBehind];
  return `${partingHead}${one.slice(start, end)} another: ${other.slice(start, end)}`;
}
