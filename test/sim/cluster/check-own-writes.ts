import type { DataNode } from '../../../src/server/node/data-node.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { keyOf, type Part, type Rows } from './points.ts';

/** An owner that had acknowledged a part when its client was told, and has to stay as it is for that to count. */
interface Witness {
  readonly name: string;
  readonly node: DataNode;
}

/**
 * A client that was told by a node that its part is written, and asks the same node, sees it: as long as one owner that had
 * acknowledged is up and within reach from then until the answer.
 */
export class OwnWrite {
  readonly #cluster: ClusterWorld;
  readonly #through: string;
  readonly #part: Part;
  readonly #witnesses: readonly Witness[];
  readonly #networkChanges: number;

  /** Taken when the client is told. */
  constructor(cluster: ClusterWorld, through: string, part: Part) {
    this.#cluster = cluster;
    this.#through = through;
    this.#part = part;
    this.#networkChanges = cluster.world.network.changeCount;
    this.#witnesses = [...cluster.data].flatMap(([name, node]) => {
      const has = cluster.history.durable.get(name)?.has(part.id) === true;
      return has && this.#isSound(name) ? [{ name, node }] : [];
    });
  }

  /** Throws when the answer of that node lacks rows although an owner could have given them; tells whether it had to. */
  check(answer: Rows): boolean {
    const { data, world } = this.#cluster;
    const isSameNetwork = world.network.changeCount === this.#networkChanges;
    const isBound = this.#witnesses.some(({ name, node }) => {
      const isHere = name === this.#through;
      return data.get(name) === node && this.#isSound(name) && (isHere || isSameNetwork);
    });
    if (!isBound) return false;
    const missing = this.#part.rows.filter((row) => !answer.has(keyOf(row)));
    if (missing.length > 0)
      throw new Error(`${this.#through} does not show part ${this.#part.id}, which it has acknowledged`); // prettier-ignore
    return true;
  }

  #isSound(name: string): boolean {
    const { world } = this.#cluster;
    const { network } = world;
    if (this.#cluster.machine(name).drive.ioErrorRate > 0) return false;
    if (name === this.#through) return true;
    const isCut = network.isBlocked(name, this.#through) || network.isBlocked(this.#through, name);
    return !isCut && network.rates.loss === 0;
  }
}
