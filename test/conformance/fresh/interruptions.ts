import { eventually, type DevCluster } from '../../support/dev-cluster.ts';
import { RandomChoice } from './random-choice.ts';
import { ShardMoves } from './shard-moves.ts';

const readyMsMax = 60_000;
const againMs = 250;
const againMax = 40;
/** What a node answers that knows its catalog, be it that it asks who one is. */
const knowing =
  /^\{("results":\[\{"statement_id":0,"series"|"error":"(?!meta service unavailable|no meta))/;

export interface InterruptionOptions {
  readonly dataCount: number;
  readonly metaCount: number;
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
    if (!isDue) return this.#untilTaken(change, asked, undefined);
    const isMove = this.#options.isMoving && this.#random.chance(0.5);
    if (!isMove && this.#options.metaCount > 1 && this.#random.chance(0.4)) return this.#aroundStandstill(change, asked); // prettier-ignore
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
    const metas = this.#metas();
    const names = [...ending.map((number) => `data-${number}`), ...metas];
    const isKilled = this.#random.chance(0.7);
    const end = () => Promise.all(names.map((name) => this.#end(name, isKilled)));
    const isAtOnce = isAway && metas.length > 0 && this.#random.chance(0.5);
    const [early] = await Promise.all([isAtOnce ? change.ask(asked) : undefined, end()]);
    const answer = isAway && !isAtOnce ? await change.ask(asked) : early;
    for (const name of names) this.#cluster.startByHand(name);
    for (const number of ending) await this.#answers(number);
    for (const name of metas) await eventually(() => fetch(`${this.#cluster.url('meta', Number(name.slice('meta-'.length)))}/ping`), readyMsMax); // prettier-ignore
    const when = isAway ? (isAtOnce ? 'during' : 'around') : 'before';
    this.#options.onDone(`${isKilled ? 'killed' : 'stopped'} ${names.join()} ${when} a change by ${asked}`); // prettier-ignore
    return this.#untilTaken(change, asked, answer);
  }

  /** Meta nodes that trouble comes to: of several often one, at times most of them. */
  #metas(): readonly string[] {
    const { metaCount } = this.#options;
    if (metaCount === 1) return this.#random.chance(0.2) ? ['meta-1'] : [];
    const all = Array.from({ length: metaCount }, (_, i) => `meta-${i + 1}`);
    return this.#random.shuffled(all).slice(0, this.#random.of([0, 1, 1, 1, 2]));
  }

  /** Nodes stand still around a change, and go on with what they had. */
  async #aroundStandstill<T>(change: Change<T>, asked: number): Promise<T> {
    const others = this.#numbers.filter((number) => number !== asked);
    const data = this.#random.chance(0.3) ? others.slice(0, 1).map((number) => `data-${number}`) : []; // prettier-ignore
    const names = [...this.#metas(), ...data];
    const pids = names.map((name) => this.#cluster.pid(name));
    for (const pid of pids) process.kill(pid, 'SIGSTOP');
    const stillMs = this.#random.integer(50, this.#random.of([500, 4_000, 20_000]));
    const going = new Promise((resolve) => setTimeout(resolve, stillMs)).then(() => {
      for (const pid of pids) process.kill(pid, 'SIGCONT');
    });
    const [answer] = await Promise.all([change.ask(asked), going]);
    for (const number of this.#numbers) await this.#answers(number);
    this.#options.onDone(`${names.join()} stood still for ${stillMs} ms around a change by ${asked}`); // prettier-ignore
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
      if (!knowing.test(answer)) throw new Error(`data-${number} answers ${answer}`);
    }, readyMsMax);
  }

  #end(name: string, isKilled: boolean): Promise<void> {
    return isKilled ? this.#cluster.kill(name) : this.#cluster.stopNode(name);
  }
}
