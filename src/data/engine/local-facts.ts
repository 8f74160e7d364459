import type { EngineLink } from '../../env/engine-host.ts';
import type { IngressCount } from '../../storage/store/ingress.ts';
import type { ShardFacts, ShardHolding } from '../../storage/store/shards/shard-facts.ts';
import type { StoreHealth } from '../../storage/store/shards/store-facts.ts';
import type { CountedShard } from './shard-counters.ts';

/** What the workers of this node tell of their shards without reading points; each question goes to all of them. */
export class LocalFacts {
  readonly #links: readonly EngineLink[];

  constructor(links: readonly EngineLink[]) {
    this.#links = links;
  }

  /** How many of the shards that were there at the start are open, and what of them is damaged. */
  async health(): Promise<StoreHealth> {
    const parts = await this.#told<StoreHealth>('health');
    const sum = (of: (part: StoreHealth) => number) => parts.reduce((all, part) => all + of(part), 0); // prettier-ignore
    return {
      opened: sum(({ opened }) => opened),
      total: sum(({ total }) => total),
      damaged: parts.flatMap(({ damaged }) => damaged),
      failing: parts.flatMap(({ failing }) => failing),
    };
  }

  /** Shards that this node has, or should have: those whose folder is missed too. */
  async holdings(): Promise<readonly ShardHolding[]> {
    return (await this.#told<readonly ShardHolding[]>('shards')).flat();
  }

  /** How the shards are that can be read. */
  async states(): Promise<readonly ShardFacts[]> {
    return (await this.#told<readonly ShardFacts[]>('states')).flat();
  }

  /** What is counted of the shards that can be read. */
  async numbers(): Promise<readonly CountedShard[]> {
    return (await this.#told<readonly CountedShard[]>('numbers')).flat();
  }

  /** What came, as the workers have counted it. */
  async ingress(): Promise<readonly IngressCount[]> {
    return (await this.#told<readonly IngressCount[]>('ingress')).flat();
  }

  /** Memory of the indexes of all shards. */
  async indexBytes(): Promise<number> {
    return (await this.#told<number>('index-bytes')).reduce((sum, part) => sum + part, 0);
  }

  /** Shards that nobody reads here until a copy has come. */
  async awaiting(): Promise<readonly number[]> {
    return (await this.#told<readonly number[]>('awaiting')).flat();
  }

  #told<T>(kind: string): Promise<readonly T[]> {
    return Promise.all(this.#links.map(async (link) => (await link.call(kind, undefined)) as T));
  }
}
