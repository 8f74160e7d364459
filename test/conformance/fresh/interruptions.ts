import { eventually, type DevCluster } from '../../support/dev-cluster.ts';
import { RandomChoice } from './random-choice.ts';

const readyMsMax = 60_000;

/** Has data nodes of a cluster end and start again around changes: what was acknowledged must be there as before, at every node. */
export class Interruptions {
  readonly #cluster: DevCluster;
  readonly #numbers: readonly number[];
  readonly #random: RandomChoice;
  readonly #every: number;
  #changeCount = 0;

  constructor(
    cluster: DevCluster,
    options: { readonly dataCount: number; readonly seed: number; readonly every: number },
  ) {
    // prettier-ignore
    this.#cluster = cluster;
    this.#numbers = Array.from({ length: options.dataCount }, (_, i) => i + 1);
    this.#every = options.every;
    this.#random = new RandomChoice(options.seed, 'interruptions');
  }

  /**
   * Calls `change`, around which nodes end and start again each so many times: before it, or while one is away which is not the first,
   * that is asked. All nodes answer once this has resolved.
   */
  async around<T>(
    change: () => Promise<T>,
    { isWrite }: { readonly isWrite: boolean },
  ): Promise<T> {
    if (++this.#changeCount % this.#every !== 0) return change();
    const [first, ...others] = this.#numbers;
    // A delete that an owner misses says so.
    const isAway = isWrite && others.length > 0 && this.#random.chance(0.5);
    const numbers = this.#random.chance(0.25) ? this.#numbers : [this.#random.of(this.#numbers)];
    const ending = isAway ? numbers.filter((number) => number !== first) : numbers;
    const isKilled = this.#random.chance(0.7);
    await Promise.all(ending.map((number) => this.#end(`data-${number}`, isKilled)));
    const answer = isAway ? await change() : undefined;
    for (const number of ending) this.#cluster.startByHand(`data-${number}`);
    for (const number of ending) await this.#answers(number);
    return answer ?? change();
  }

  async #answers(number: number): Promise<void> {
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
