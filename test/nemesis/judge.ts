/**
 * What a nemesis promises of what nodes hold, each asked alone: in words, and judged without a cluster. A node has by itself what
 * lies in its shards, and a series lies in one shard: who holds any point of a series has to hold all of them.
 */
import type { Held } from './check-owners.ts';

/** Lost points that are named. */
const namedMax = 10;

/** A node, and what it has by itself. */
export interface NodeHeld extends Held {
  readonly nodeId: number;
}

/** By the level that they were acknowledged at; `told` says by which node, and when. */
export interface Ledger {
  readonly acknowledged: ReadonlyMap<string, readonly number[]>;
  readonly told: ReadonlyMap<number, string>;
}

export interface Finding {
  readonly text: string;
  /** '' for a promise that was kept. */
  readonly fault: string;
}

/** Once hinted handoff has drained: what was acknowledged is on a node, at every level. */
export function findLosses(held: readonly NodeHeld[], ledger: Ledger): readonly Finding[] {
  return [...ledger.acknowledged].map(([level, numbers]) => {
    const text = `${numbers.length} points acknowledged at ${level}`;
    if (numbers.length === 0) return { text, fault: 'nothing shows that the level keeps them' };
    const lost = numbers.filter((number) => !held.some(({ points }) => points.get(level)?.has(number) === true)); // prettier-ignore
    const fault = lost.length === 0 ? '' : `no owner has ${lost.length}: ${named(lost, ledger)}`;
    return { text, fault };
  });
}

/** Once owners that differ were repaired: there are `replication` of each series, all have all of it, and they are equal. */
export function findDifferences(
  held: readonly NodeHeld[],
  ledger: Ledger,
  replication: number,
): readonly Finding[] {
  const levels = [...ledger.acknowledged.keys()];
  const lacks = levels.flatMap((level) => lacksOf(level, held, { ledger, replication }));
  const keys = new Set(held.flatMap(({ registers }) => [...registers.keys()]));
  const unequal = [
    ...levels.filter((level) => isAnyDifferent(ownersOf(level, held).map((one) => textOf(one.points.get(level))))), // prettier-ignore
    ...[...keys].filter((key) => {
      const values = held.flatMap(({ registers }) => registers.get(key) ?? []);
      return values.length < replication || isAnyDifferent(values.map(String));
    }),
  ];
  const count = levels.reduce((sum, level) => sum + (ownersOf(level, held)[0]?.points.get(level)?.size ?? 0), 0); // prettier-ignore
  return [
    { text: 'each owner, asked alone, has all of them', fault: lacks.join('; ') },
    {
      text: `owners equal: ${count} points, ${keys.size} registers`,
      fault: unequal.length === 0 ? '' : `they differ in ${unequal.join()}`,
    },
  ];
}

/** What each lacks, for people; '' when there is nothing to wait for or to repair. */
export function describeLacks(
  held: readonly NodeHeld[],
  ledger: Ledger,
  replication: number,
): string {
  const faults = findDifferences(held, ledger, replication).map(({ fault }) => fault);
  return faults.filter((fault) => fault !== '').join('; ');
}

/** The same, as if a point had never been acknowledged. */
export function withoutPoint({ acknowledged, told }: Ledger, number: number): Ledger {
  const without = (numbers: readonly number[]) => numbers.filter((one) => one !== number);
  return { acknowledged: new Map([...acknowledged].map(([level, numbers]) => [level, without(numbers)])), told }; // prettier-ignore
}

/** Whether any node has a point, at any level. */
export function isHeld(held: readonly NodeHeld[], number: number): boolean {
  return held.some(({ points }) => [...points.values()].some((numbers) => numbers.has(number)));
}

function lacksOf(
  level: string,
  held: readonly NodeHeld[],
  { ledger, replication }: { readonly ledger: Ledger; readonly replication: number },
): readonly string[] {
  const numbers = ledger.acknowledged.get(level) ?? [];
  const owners = ownersOf(level, held);
  const few = owners.length < replication ? [`${owners.length} nodes have any at ${level}`] : [];
  return [
    ...few,
    ...owners.flatMap(({ nodeId, points }) => {
      const lacked = numbers.filter((number) => points.get(level)?.has(number) !== true);
      return lacked.length === 0 ? [] : [`node ${nodeId} lacks ${lacked.length} at ${level}: ${named(lacked, ledger)}`]; // prettier-ignore
    }),
  ];
}

function ownersOf(level: string, held: readonly NodeHeld[]): readonly NodeHeld[] {
  return held.filter(({ points }) => (points.get(level)?.size ?? 0) > 0);
}

function isAnyDifferent(texts: readonly string[]): boolean {
  return texts.some((text) => text !== texts[0]);
}

function textOf(numbers: ReadonlySet<number> = new Set()): string {
  return [...numbers].sort((a, b) => a - b).join();
}

function named(numbers: readonly number[], { told }: Ledger): string {
  const texts = numbers.slice(0, namedMax).map((number) => `${number} (${told.get(number)})`);
  return texts.join(', ');
}
