/** What each owner holds once all is well, asked alone: a node that owns a shard answers from its own copy. */
import { query } from '../hostile/ask.ts';
import { database } from './writers.ts';

export interface Held {
  readonly points: ReadonlySet<number>;
  /** By series and time. */
  readonly registers: ReadonlyMap<string, number>;
}

interface Answer {
  readonly results: readonly {
    readonly error?: string;
    readonly series?: readonly { readonly tags?: { readonly k?: string }; readonly values: readonly (readonly unknown[])[] }[]; // prettier-ignore
  }[];
}

/** The ids of the data nodes that own a shard of the database, as SHOW SHARDS says. */
export async function ownersOf(url: string): Promise<readonly number[]> {
  const answer = (await ask(url, 'SHOW SHARDS')) as unknown as {
    results: { series?: { name: string; columns: string[]; values: unknown[][] }[] }[];
  };
  const shards = answer.results[0]?.series?.find(({ name }) => name === database);
  const at = shards?.columns.indexOf('owners') ?? -1;
  const ids = (shards?.values ?? []).flatMap((row) => String(row[at]).split(','));
  return [...new Set(ids)].map(Number).sort((a, b) => a - b);
}

export async function heldBy(url: string): Promise<Held> {
  const points = await ask(url, 'SELECT v FROM p');
  const registers = await ask(url, 'SELECT v FROM r GROUP BY k');
  return {
    points: new Set((points.results[0]?.series?.[0]?.values ?? []).map(([, v]) => Number(v))),
    registers: new Map(
      (registers.results[0]?.series ?? []).map(({ tags, values }) => [tags?.k ?? '', Number(values[0]?.[1])]), // prettier-ignore
    ),
  };
}

/** What two owners hold differently, in words; '' when that is nothing. */
export function differenceOf(one: Held, other: Held): string {
  const extra = (a: Held, b: Held): number => [...a.points].filter((n) => !b.points.has(n)).length;
  const names = new Set([...one.registers.keys(), ...other.registers.keys()]);
  const unequal = [...names].filter(
    (name) => one.registers.get(name) !== other.registers.get(name),
  );
  const counts = [extra(one, other), extra(other, one), unequal.length];
  return counts.every((count) => count === 0) ? '' : `${counts[0]} points on the one only, ${counts[1]} on the other only, registers ${unequal.join() || 'equal'}`; // prettier-ignore
}

async function ask(url: string, q: string): Promise<Answer> {
  const { text } = await query(url, q, { db: database });
  const answer = JSON.parse(text) as Answer;
  const error = answer.results[0]?.error;
  if (error !== undefined) throw new Error(error);
  return answer;
}
