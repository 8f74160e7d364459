/**
 * What a shard has to hold after some writes and deletes, of which each is whole or not there at all: of each point the value
 * with the latest stamp, unless a later delete means it.
 */

export interface Line {
  readonly measurement: string;
  /** Of tag `t`; without one the series has no tags. */
  readonly tag: string | undefined;
  readonly field: string;
  readonly time: number;
}

/** Its number is its stamp, and the value of all its points. */
export type Said =
  | { readonly kind: 'write'; readonly number: number; readonly lines: readonly Line[] }
  | {
      readonly kind: 'delete';
      readonly number: number;
      /** What keys of series begin with. */
      readonly filter: string;
      readonly minTime: number;
      readonly maxTime: number;
    };

/** What is read of a shard, or has to be: sorted. */
export interface Held {
  /** `key field time value` */
  readonly points: readonly string[];
  /** Keys of series, each beside where the index has it: the measurement, and the value of its tag. */
  readonly series: readonly string[];
}

/** The value of a field that a write of that number has given. */
export type ValueText = (field: string, number: number, time: number) => string;

export function keyOf({ measurement, tag }: Pick<Line, 'measurement' | 'tag'>): string {
  return tag === undefined ? measurement : `${measurement},t=${tag}`;
}

export function isMeant(filter: string, key: string): boolean {
  return key === filter || key.startsWith(`${filter},`);
}

/** `said` are in the order of their numbers. */
export function wantedOf(
  said: readonly Said[],
  valueText: ValueText = (_, number) => String(number),
): Held {
  const values = new Map<string, number>();
  const series = new Set<string>();
  for (const one of said) {
    if (one.kind === 'write') {
      for (const line of one.lines)
        values.set(`${keyOf(line)} ${line.field} ${line.time}`, one.number);
      continue;
    }
    for (const point of values.keys()) {
      const [key = '', , time] = point.split(' ');
      const isWithin = Number(time) >= one.minTime && Number(time) <= one.maxTime;
      if (isWithin && isMeant(one.filter, key)) values.delete(point);
    }
  }
  for (const point of values.keys()) series.add(point.slice(0, point.indexOf(' ')));
  return {
    points: [...values]
      .map(([point, number]) => {
        const [, field = '', time] = point.split(' ');
        return `${point} ${valueText(field, number, Number(time))}`;
      })
      .sort(),
    series: [...series].sort(),
  };
}

/** '' when they are equal, else the first differences. */
export function differenceOf(held: Held, wanted: Held): string {
  const parts = (['points', 'series'] as const).flatMap((part) => {
    const [isHeld, isWanted] = [new Set(held[part]), new Set(wanted[part])];
    const lacking = wanted[part].filter((one) => !isHeld.has(one));
    const beyond = held[part].filter((one) => !isWanted.has(one));
    const isDouble = isHeld.size !== held[part].length;
    const texts = [listText(`lacking ${part}`, lacking), listText(`${part} that nobody wrote, or that are deleted`, beyond)]; // prettier-ignore
    return [...texts, isDouble ? `${part} twice` : ''];
  });
  return parts.filter((text) => text !== '').join('; ');
}

function listText(title: string, list: readonly string[]): string {
  return list.length === 0 ? '' : `${title}: ${list.slice(0, 4).join(', ')} (${list.length})`;
}
