import type { MemoryPoint } from '../support/memory-source.ts';

const minuteNs = 60_000_000_000n;
const datasetStartNs = 1577836800_000_000_000n;

/** A small world with gaps, ties, all types, a field that only some rows have, and a tag that only some series have. */
export function datasetPoints(): readonly MemoryPoint[] {
  const points: MemoryPoint[] = [];
  const hosts = [{ host: 'a', region: 'west' }, { host: 'b', region: 'east' }, { host: 'c' }];
  hosts.forEach((tags, h) => {
    for (let i = 0; i < 40; i++) {
      if ((i + h) % 7 === 3 || (i > 20 && i < 27)) continue;
      const fields: Record<string, number | bigint | string | boolean> = {
        load: Math.round(Math.sin(i + h) * 1000) / 16,
        jobs: BigInt((i * 37 + h * 11) % 50),
      };
      if (i % 3 === 0) fields['note'] = `n"${i}<é`;
      if (i % 5 === 0) fields['up'] = i % 2 === 0;
      points.push({
        measurement: 'cpu',
        tags,
        fields,
        timeNs: datasetStartNs + BigInt(i) * minuteNs + BigInt(h),
      });
    }
  });
  for (let i = 0; i < 6; i++)
    points.push({
      measurement: 'disk free',
      tags: { path: `/d,${i % 2}` },
      fields: { bytes: 9007199254740993n * BigInt(i + 1), used: 0.1 * i },
      timeNs: datasetStartNs + BigInt(i) * 90n * 1_000_000_000n,
    });
  return points;
}

/** The same points as line protocol. */
export function datasetLines(): string {
  return datasetPoints()
    .map(({ measurement, tags, fields, timeNs }) => {
      const key = [
        measurement.replace(/[, ]/g, '\\$&'),
        ...Object.entries(tags).map(([k, v]) => `${k}=${v.replace(/[, =]/g, '\\$&')}`),
      ].join(',');
      const values = Object.entries(fields).map(([name, value]) => `${name}=${lineValue(value)}`);
      return `${key} ${values.join(',')} ${timeNs}`;
    })
    .join('\n');
}

function lineValue(value: number | bigint | string | boolean): string {
  if (typeof value === 'bigint') return `${value}i`;
  return typeof value === 'string' ? `"${value.replace(/["\\]/g, '\\$&')}"` : String(value);
}
