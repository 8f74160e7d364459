import { eventually, type DevCluster } from '../../support/dev-cluster.ts';
import { RandomChoice } from './random-choice.ts';
import { ShardMoves } from './shard-moves.ts';

const readyMsMax = 60_000;
const againMs = 250;
const againMax = 40;

export interface InterruptionOptions {
  readonly dataCount: number;
  readonly seed: number;
  readonly every: number;
  /** Shards go from node to node, too. */
  readonly isMoving: boolean;
  readonly onDone: (text: string) => void;
}

export interface Change<T> {
  /** Asks the node of this number, from one. */
  readonly ask: (number: number) => Promise<T>;
  /** It may be asked for once more. */
  readonly isRefused: (answer: T) => boolean;
}

/** Has data nodes of a cluster end and start again around changes: what was acknowledged must be there as before, at every node. */
export class Interruptions {
  readonly #cluster: DevCluster;
  readonly #numbers: readonly number[];
  readonly #random: RandomChoice;
  readonly #options: InterruptionOptions;
  readonly #moves: ShardMoves;
  #changeCount = 0;

  constructor(cluster: DevCluster, options: InterruptionOptions) {
    this.#cluster = cluster;
    this.#numbers = Array.from({ length: options.dataCount }, (_, i) => i + 1);
    this.#options = options;
    this.#random = new RandomChoice(options.seed, 'interruptions');
    this.#moves = new ShardMoves(cluster, this.#random);
  }

  /**
   * Calls `ask`, around which nodes end and start again each so many times, before it or while it is asked of another, or shards move,
   * which nobody waits for. All nodes answer once this has resolved.
   */
  async around<T>(change: Change<T>): Promise<T> {
    const isDue = ++this.#changeCount % this.#options.every === 0;
    const asked = this.#random.of(this.#numbers);
    if (!isDue) return change.ask(asked);
    const isMove = this.#options.isMoving && this.#random.chance(0.5);
    if (!isMove) return this.#aroundDeaths(change, asked);
    const moved = this.#moves.move();
    const [answer, done] = await Promise.all([change.ask(asked), moved]);
    this.#options.onDone(`${done}, around a change by ${asked}`);
    return answer;
  }

  async #aroundDeaths<T>(change: Change<T>, asked: number): Promise<T> {
    const isAway = this.#numbers.length > 1 && this.#random.chance(0.5);
    const numbers = this.#random.chance(0.25) ? this.#numbers : [this.#random.of(this.#numbers)];
    const ending = isAway ? numbers.filter((number) => number !== asked) : numbers;
    const names = [...ending.map((number) => `data-${number}`), ...(this.#random.chance(0.2) ? ['meta-1'] : [])]; // prettier-ignore
    const isKilled = this.#random.chance(0.7);
    await Promise.all(names.map((name) => this.#end(name, isKilled)));
    const answer = isAway ? await change.ask(asked) : undefined;
    for (const name of names) this.#cluster.startByHand(name);
    for (const number of ending) await this.#answers(number);
    await eventually(() => fetch(`${this.#cluster.url('meta', 1)}/ping`), readyMsMax);
    this.#options.onDone(`${isKilled ? 'killed' : 'stopped'} ${names.join()} ${isAway ? 'around' : 'before'} a change by ${asked}`); // prettier-ignore
    return this.#untilTaken(change, asked, answer);
  }

  /** What an owner misses that has to have it says so, and is tried again, for as long as something waits for that owner. */
  async #untilTaken<T>(
    { ask, isRefused }: Change<T>,
    asked: number,
    first: T | undefined,
  ): Promise<T> {
    let answer = first ?? (await ask(asked));
    for (let attempt = 0; attempt < againMax && isRefused(answer); attempt++) {
      await new Promise((resolve) => setTimeout(resolve, againMs));
      answer = await ask(asked);
    }
    return answer;
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
