/**
 * What clients write. All kinds but the registers write each point once, so that a point tells which request it is from.
 */
import { below, fraction, type Random } from '../../../src/env/random.ts';
import type { ConsistencyLevel } from '../../../src/data/write/consistency.ts';
import { registerMeasurement } from './last-writes.ts';
import { lineOf, type Part, type Row, valueText } from './points.ts';

export const weekNs = 604_800_000_000_000n;
/** Within a week, so that a part of any length stays within its shard. */
export const epochNs = 1_700_000_000_000_000_000n;

const levels: readonly ConsistencyLevel[] = ['any', 'one', 'quorum', 'all', 'all'];

/** One write of a client: line protocol, and what the model has to know of it. */
export interface WriteAsked {
  readonly parts: readonly Part[];
  readonly body: string;
  readonly level: ConsistencyLevel;
}

export interface DrawOptions {
  readonly weekCount: number;
  readonly database: string;
  readonly replicaCount: number;
  /** Only where no other database has them: a register is known by its series and time. */
  readonly hasRegisters: boolean;
  readonly nextId: () => number;
}

/** A request of one to three parts, each of another week. */
export function drawWrite(random: Random, options: DrawOptions): WriteAsked {
  const { weekCount, database, replicaCount, nextId } = options;
  const level = levels[below(random, levels.length)] ?? 'one';
  const firstWeek = below(random, weekCount);
  const partCount = fraction(random) < 0.8 ? 1 : Math.min(weekCount, 2 + below(random, 2));
  const parts: Part[] = [];
  const rows: Row[] = [];
  for (let i = 0; i < partCount; i++) {
    const startNs = epochNs + BigInt((firstWeek + i) % weekCount) * weekNs;
    const dice = fraction(random);
    const id = nextId();
    if (dice < 0.15 && options.hasRegisters) rows.push(registerRow(random, startNs, id));
    else {
      const part = { id, level, database, replicaCount, ...(dice < 0.3 ? conflictRows(random, startNs, id) : plainRows(random, startNs, id)) }; // prettier-ignore
      parts.push(part);
      rows.push(...part.rows, ...part.doubtful);
    }
  }
  return { parts, body: rows.map(lineOf).join('\n'), level };
}

/** One of a few points that are written over and over. */
function registerRow(random: Random, startNs: bigint, id: number): Row {
  const series = `${registerMeasurement},k=${below(random, 3)}`;
  return { series, timeNs: startNs, fields: new Map([['v', valueText.integer(BigInt(id))]]) };
}

/** Points of one series with fields of all types; some rows lack some. */
function plainRows(random: Random, startNs: bigint, id: number): Pick<Part, 'rows' | 'doubtful'> {
  const host = fraction(random) < 0.5 ? `,host=h${below(random, 4)}` : '';
  const series = fraction(random) < 0.2 ? 'n' : `m,client=c${below(random, 5)}${host}`;
  const rowCount = 1 + below(random, fraction(random) < 0.04 ? 150 : 10);
  const rows = Array.from({ length: rowCount }, (_, k) => {
    const fields = new Map([['i', valueText.integer(BigInt(id) * 2n ** 40n + BigInt(k))]]);
    if (series !== 'n') {
      if (fraction(random) < 0.8) fields.set('f', valueText.float(id + k / 8));
      if (fraction(random) < 0.3) fields.set('b', valueText.boolean(k % 2 === 0));
      if (fraction(random) < 0.3) fields.set('s', valueText.string(`${id} ü,${k}`));
    }
    return { series, timeNs: timeOf(startNs, id, k), fields };
  });
  return { rows, doubtful: [] };
}

/** A field that some clients write as a float and others as an integer, and one that all agree on. */
function conflictRows(
  random: Random,
  startNs: bigint,
  id: number,
): Pick<Part, 'rows' | 'doubtful'> {
  const series = `c,k=${below(random, 2)}`;
  const x = fraction(random) < 0.5 ? valueText.integer(BigInt(id)) : valueText.float(id);
  const rowCount = 1 + below(random, 4);
  const rowsOf = (from: number, field: string, value: string): readonly Row[] =>
    Array.from({ length: rowCount }, (_, k) => ({
      series,
      timeNs: timeOf(startNs, id, from + 2 * k),
      fields: new Map([[field, value]]),
    }));
  return { rows: rowsOf(0, 'y', valueText.integer(BigInt(id))), doubtful: rowsOf(1, 'x', x) };
}

function timeOf(startNs: bigint, id: number, row: number): bigint {
  return startNs + BigInt(id) * 1_000n + BigInt(row) + 1n;
}
