/**
 * One client that makes databases and policies, writes to them and drops them again, one name after the other. It
 * leaves a name alone once it does not know what became of a statement; what it knows has to hold at the end.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import { type Catalog, findDatabase } from '../../../src/meta/model/catalog.ts';
import type { DataNode } from '../../../src/server/node/data-node.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { ask } from './read-rows.ts';

export const patienceMs = 12_000;

/** What has to be: undefined where nobody knows. */
interface Wanted {
  exists: boolean | undefined;
  readonly policies: Map<string, boolean | undefined>;
}

export class Admin {
  readonly #wanted = new Map<string, Wanted>();
  acknowledgedCount = 0;

  /** Names of databases that are there, as far as is known, and may be written to. */
  get names(): readonly string[] {
    return [...this.#wanted].flatMap(([name, { exists }]) => (exists === true ? [name] : []));
  }

  async work(cluster: ClusterWorld, random: Random, isOver: () => boolean): Promise<void> {
    const { clock } = cluster.machine('client').env;
    for (let i = 0; !isOver(); i++) {
      const name = `e${i}`;
      const wanted: Wanted = { exists: false, policies: new Map() };
      this.#wanted.set(name, wanted);
      for (let step = below(random, 4); step >= 0 && !isOver(); step--) {
        await clock.sleep(below(random, fraction(random) < 0.5 ? 5 : 1_500));
        if (!(await this.#step(cluster, name, { random, wanted }))) break;
      }
    }
  }

  /** False when the name has to be left alone. */
  async #step(
    cluster: ClusterWorld,
    name: string,
    { random, wanted }: { readonly random: Random; readonly wanted: Wanted },
  ): Promise<boolean> {
    const policy = `p${below(random, 2)}`;
    const say = (text: string) => this.#say(cluster, random, text);
    if (wanted.exists !== true) {
      wanted.exists = undefined;
      if (!(await say(`CREATE DATABASE ${name} WITH REPLICATION 2`))) return false;
      wanted.exists = true;
      return true;
    }
    if (fraction(random) < 0.5) {
      cluster.history.dropped.add(name);
      wanted.exists = undefined;
      wanted.policies.clear();
      if (!(await say(`DROP DATABASE ${name}`))) return false;
      wanted.exists = false;
      return true;
    }
    const isThere = wanted.policies.get(policy) === true;
    wanted.policies.set(policy, undefined);
    const text = isThere
      ? `DROP RETENTION POLICY ${policy} ON ${name}`
      : `CREATE RETENTION POLICY ${policy} ON ${name} DURATION ${1 + below(random, 5)}d REPLICATION 1`;
    if (!(await say(text))) return false;
    wanted.policies.set(policy, !isThere);
    return true;
  }

  /** Whether the statement was acknowledged. */
  async #say(cluster: ClusterWorld, random: Random, text: string): Promise<boolean> {
    const node = pickNode(cluster, random);
    if (node === undefined) return false;
    const { clock } = cluster.machine('client').env;
    const answer = await Promise.race([ask(node, text, ''), clock.sleep(patienceMs)]);
    if (typeof answer !== 'object') return false;
    this.acknowledgedCount++;
    return true;
  }

  check(catalog: Catalog): void {
    for (const [name, { exists, policies }] of this.#wanted) {
      if (exists === undefined) continue;
      const database = findDatabase(catalog, name);
      if ((database !== undefined) !== exists)
        throw new Error(`database ${name} ${exists ? 'is gone, and nobody dropped it' : 'is back after it was dropped'}`); // prettier-ignore
      for (const [policy, isWanted] of policies) {
        if (database === undefined || isWanted === undefined) continue;
        const isThere = database.retentionPolicies.some((one) => one.name === policy);
        if (isThere !== isWanted)
          throw new Error(`policy ${name}.${policy} is ${isThere ? 'there' : 'gone'}, against what was acknowledged`); // prettier-ignore
      }
    }
  }
}

/** A data node that runs, by chance; undefined when the one chosen does not. */
export function pickNode({ data, names }: ClusterWorld, random: Random): DataNode | undefined {
  const dataNames = names.filter((name) => name.startsWith('d'));
  return data.get(dataNames[below(random, dataNames.length)] ?? '');
}
