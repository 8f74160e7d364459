/**
 * What clients of `npm run operations` sent, what was acknowledged and what was deleted, by numbers, and what an answer may have by that. Nothing is
 * asked here: an answer is judged by what was known before it was asked for and what was asked for until it came.
 *
 * - A point that both owners acknowledged (`quorum`, `all`) stays, whatever disk is lost.
 * - One of `any` or `one` stays too, unless a disk, or an owner, was taken away before all was well again: it may have had the only copy.
 * - A deletion that was answered stays, unless the node that was asked lost its disk, and with it what it had to tell the others.
 */
export const levels = ['any', 'one', 'quorum', 'all'] as const;
export type Level = (typeof levels)[number];

/** Numbers that are named. */
const namedMax = 8;

export interface Point {
  readonly number: number;
  readonly timeNs: bigint;
  readonly level: Level;
  /** The data node that was asked. */
  readonly via: number;
  /** Of the ledger's own count of events. */
  acknowledgedAt: number | undefined;
  deletingAt: number | undefined;
  deletedAt: number | undefined;
  deletedBy: number;
  /** All was well after it was acknowledged: each owner has it. */
  isSettled: boolean;
  isExcused: boolean;
}

export class Ledger {
  readonly points: Point[] = [];
  #now = 0;

  /** Of a point that is about to be sent. Its number is its value. */
  send(timeNs: bigint, level: Level, via: number): Point {
    const point: Point = {
      number: this.points.length,
      timeNs,
      level,
      via,
      acknowledgedAt: undefined,
      deletingAt: undefined,
      deletedAt: undefined,
      deletedBy: 0,
      isSettled: false,
      isExcused: false,
    };
    this.points.push(point);
    return point;
  }

  /** This moment, for whoever is about to ask. */
  tick(): number {
    return ++this.#now;
  }

  acknowledge(points: readonly Point[]): void {
    for (const point of points) point.acknowledgedAt = this.tick();
  }

  deleting(points: readonly Point[]): void {
    for (const point of points) point.deletingAt = this.tick();
  }

  deleted(points: readonly Point[], via: number): void {
    for (const point of points) {
      point.deletedAt = this.tick();
      point.deletedBy = via;
    }
  }

  /** A node has lost its disk, or a shard: what nobody else need have may be gone with it. */
  lose(node: number): void {
    for (const point of this.points) {
      if (point.isSettled || point.acknowledgedAt === undefined) continue;
      const wasAlone = point.level === 'any' || point.level === 'one';
      if (wasAlone || (point.deletingAt !== undefined && point.deletedBy === node)) point.isExcused = true; // prettier-ignore
    }
  }

  /** All is well: from now on each owner has all that is not excused. */
  settle(): void {
    for (const point of this.points) point.isSettled ||= point.acknowledgedAt !== undefined;
  }

  /** Whether an answer that was asked for at a moment must have it. */
  isOwed(point: Point, askedAt: number): boolean {
    if (point.isExcused || point.deletingAt !== undefined) return false;
    if (point.acknowledgedAt === undefined || point.acknowledgedAt > askedAt) return false;
    return point.isSettled || point.level === 'quorum' || point.level === 'all';
  }

  /** Whether an answer that was asked for at a moment must not have it. */
  isGone(point: Point, askedAt: number): boolean {
    return !point.isExcused && point.deletedAt !== undefined && point.deletedAt < askedAt;
  }

  /** What is wrong with the values of an answer; '' for nothing. `among` are those that it was asked for. */
  faultOf(
    values: readonly number[],
    askedAt: number,
    among: (point: Point) => boolean = () => true,
  ): string {
    const held = new Set(values);
    const asked = this.points.filter(among);
    const lacking = asked.filter((point) => this.isOwed(point, askedAt) && !held.has(point.number));
    const back = asked.filter((point) => held.has(point.number) && this.isGone(point, askedAt));
    const known = new Set(asked.map(({ number }) => number));
    const invented = [...held].filter((number) => !known.has(number));
    return [
      said('lack', lacking.map(textOf)),
      said('were deleted', back.map(textOf)),
      said('were never written', invented.map(String)),
      ...(held.size < values.length ? [`${values.length - held.size} come twice`] : []),
    ]
      .filter((text) => text !== '')
      .join('; ');
  }
}

function said(what: string, names: readonly string[]): string {
  if (names.length === 0) return '';
  return `${names.length} ${what}: ${names.slice(0, namedMax).join(', ')}`;
}

export function textOf({ number, level, via, timeNs }: Point): string {
  return `${number} (${level} by data-${via}, ${new Date(Number(timeNs / 1_000_000n)).toISOString()})`;
}
