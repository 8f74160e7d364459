/** What owners of shards hold, each asked alone, against what was acknowledged and deleted: in words, and judged without a cluster. */
import { textOf, type Ledger, type Point } from './ledger.ts';

/** A group that was truncated ends at a moment; who was acknowledged beside it may lie on either side. */
const borderNs = 1_000_000_000n;
const namedMax = 8;

export interface JudgedShard {
  readonly id: number;
  readonly startNs: bigint;
  readonly endNs: bigint;
  /** Data nodes. */
  readonly owners: readonly number[];
}

/** By data node: the values that it has by itself. */
export type HeldByNode = ReadonlyMap<number, ReadonlySet<number>>;

export interface Judged {
  /** No owner has what was acknowledged, or one has what was deleted or never written. */
  readonly losses: readonly string[];
  /** One owner has what another lacks. */
  readonly lacks: readonly string[];
  /** Where that may lie: a group has several shards, and a series is in one of them. */
  readonly shardIds: ReadonlySet<number>;
}

export function judgeOwners(
  ledger: Ledger,
  shards: readonly JudgedShard[],
  held: HeldByNode,
): Judged {
  const now = ledger.tick();
  const known = new Set(ledger.points.map(({ number }) => number));
  const invented = [...held].flatMap(([node, values]) => [...values].filter((value) => !known.has(value)).map((value) => `${value} on data-${node}`)); // prettier-ignore
  const back = ledger.points.filter((point) => ledger.isGone(point, now) && isHeld(held, point));
  const parts = ledger.points.flatMap((point) => {
    const places = shards.filter((shard) => mayHold(shard, point));
    return isWhole(places, held, point) ? [] : [{ point, places }];
  });
  const owed = parts.filter(({ point }) => isOwedAtRest(point));
  const lost = owed.filter(({ point }) => !isHeld(held, point));
  // What is owed to nobody, all owners have or none.
  const lacking = parts.filter(({ point }) => isHeld(held, point) && !ledger.isGone(point, now));
  const described = ({ point }: (typeof parts)[number]): string =>
    `${textOf(point)} on ${holders(held, point)} alone`;
  return {
    losses: [
      ...named(
        'no owner has',
        lost.map(({ point }) => textOf(point)),
      ),
      ...named('deleted and back', back.map((point) => `${textOf(point)} on ${holders(held, point)}`)), // prettier-ignore
      ...named('never written', invented),
    ],
    lacks: [
      ...named('owners lack', lacking.filter(({ point }) => isOwedAtRest(point)).map(described)),
      ...named('owners differ in', lacking.filter(({ point }) => !isOwedAtRest(point)).map(described)), // prettier-ignore
    ],
    shardIds: new Set(lacking.flatMap(({ places }) => places.map(({ id }) => id))),
  };
}

/** Once all is well what one owner alone acknowledged is owed too. */
function isOwedAtRest({ acknowledgedAt, deletingAt, isExcused }: Point): boolean {
  return acknowledgedAt !== undefined && deletingAt === undefined && !isExcused;
}

function mayHold({ startNs, endNs }: JudgedShard, { timeNs }: Point): boolean {
  return timeNs >= startNs - borderNs && timeNs < endNs + borderNs;
}

/** All owners of one of the shards have it. */
function isWhole(places: readonly JudgedShard[], held: HeldByNode, { number }: Point): boolean {
  return places.some(
    ({ owners }) =>
      owners.length > 0 && owners.every((node) => held.get(node)?.has(number) === true),
  );
}

function isHeld(held: HeldByNode, { number }: Point): boolean {
  return [...held.values()].some((values) => values.has(number));
}

function holders(held: HeldByNode, { number }: Point): string {
  return [...held].filter(([, values]) => values.has(number)).map(([node]) => `data-${node}`).join(); // prettier-ignore
}

function named(what: string, names: readonly string[]): readonly string[] {
  if (names.length === 0) return [];
  return [`${what} ${names.length}: ${names.slice(0, namedMax).join(', ')}`];
}
