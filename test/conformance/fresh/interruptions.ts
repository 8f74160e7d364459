import type { DevCluster } from '../../support/dev-cluster.ts';
import { eventually } from '../../support/dev-cluster.ts';
import { RandomChoice } from './random-choice.ts';

const readyMsMax = 60_000;

/** Has data nodes of a cluster end and start again between two changes: what one had acknowledged must be there as before. */
export class Interruptions {
  readonly #cluster: DevCluster;
  readonly #dataCount: number;
  readonly #random: RandomChoice;
  readonly #every: number;
  #changeCount = 0;

  constructor(
    cluster: DevCluster,
    options: { readonly dataCount: number; readonly seed: number; readonly every: number },
  ) {
    // prettier-ignore
    this.#cluster = cluster;
    this.#dataCount = options.dataCount;
    this.#every = options.every;
    this.#random = new RandomChoice(options.seed, 'interruptions');
  }

  /** To be called before each change; resolves once all nodes answer. */
  async beforeChange(): Promise<void> {
    if (++this.#changeCount % this.#every !== 0) return;
    const all = Array.from({ length: this.#dataCount }, (_, i) => i + 1);
    const numbers = this.#random.chance(0.25) ? all : [this.#random.of(all)];
    const isKilled = this.#random.chance(0.7);
    await Promise.all(numbers.map((number) => this.#end(`data-${number}`, isKilled)));
    for (const number of numbers) this.#cluster.startByHand(`data-${number}`);
    for (const number of numbers)
      await eventually(async () => {
        const answer = await this.#cluster.query(number, 'SHOW DATABASES');
        if (!answer.startsWith('{"results":[{"statement_id":0,"series"'))
          throw new Error(`data-${number} answers ${answer}`);
      }, readyMsMax);
  }

  #end(name: string, isKilled: boolean): Promise<void> {
    return isKilled ? this.#cluster.kill(name) : this.#cluster.stopNode(name);
  }
}
