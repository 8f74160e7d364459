import { parseLines } from '../../src/models/line-protocol.ts';

/** A point as a reference's answer has it. */
export interface GoldenPoint {
  readonly measurement: string;
  readonly tags: Readonly<Record<string, string>>;
  readonly fields: Readonly<Record<string, unknown>>;
  /** Nanoseconds. */
  readonly time: string;
}

/** What is there once these lines were written, ordered as `SELECT * FROM /.* / GROUP BY *` orders it. */
export function pointsOf(lines: string): readonly GoldenPoint[] {
  const { points, errors } = parseLines(Buffer.from(lines, 'latin1'), { stepNs: 1n, defaultTimeNs: 0n }); // prettier-ignore
  if (errors.count > 0) throw new Error(errors.text());
  const stored = new Map<string, GoldenPoint>();
  for (const { measurement, tags, fields, timeNs } of points) {
    const values = [...fields].map(([name, field]) => [name, 'value' in field ? field.value : field] as const); // prettier-ignore
    const point = {
      measurement,
      tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
      // As JSON, zero has no sign.
      fields: Object.fromEntries(values.map(([name, value]) => [name, value === 0 ? 0 : value])),
      time: String(timeNs),
    };
    stored.set(orderOf(point), point);
  }
  return inOrder([...stored.values()].map(shown));
}

/** As JSON shows names with bytes that are no UTF-8. */
function shown({ measurement, tags, fields, time }: GoldenPoint): GoldenPoint {
  const named = <T>(one: Readonly<Record<string, T>>, show: (value: T) => T): Record<string, T> =>
    Object.fromEntries(Object.entries(one).map(([name, value]) => [name.toWellFormed(), show(value)])); // prettier-ignore
  return {
    measurement: measurement.toWellFormed(),
    tags: named(tags, (value) => value.toWellFormed()),
    fields: named(fields, (value) => value),
    time,
  };
}

/** By measurement, tags and time. */
export function inOrder(points: readonly GoldenPoint[]): readonly GoldenPoint[] {
  return [...points].sort((a, b) => (orderOf(a) < orderOf(b) ? -1 : 1));
}

function orderOf({ measurement, tags, time }: GoldenPoint): string {
  return JSON.stringify([measurement, tags, String(BigInt(time) + (1n << 63n)).padStart(20, '0')]);
}
