/** What each node holds once all is well, asked alone: no other node answers for it, whatever it lacks (spec F57). */
import { query } from '../hostile/ask.ts';
import { database } from './writers.ts';

export interface Held {
  /** Their numbers, by the level at which they were written. */
  readonly points: ReadonlyMap<string, ReadonlySet<number>>;
  readonly registers: ReadonlyMap<string, number>;
}

interface Series {
  readonly tags?: { readonly k?: string; readonly level?: string };
  readonly values: readonly (readonly unknown[])[];
}

interface Answer {
  readonly results: readonly { readonly error?: string; readonly series?: readonly Series[] }[];
}

export async function heldBy(url: string, nodeId: number): Promise<Held> {
  const points = await ask(url, 'SELECT v FROM p GROUP BY level', nodeId);
  const registers = await ask(url, 'SELECT v FROM r GROUP BY k', nodeId);
  return {
    points: new Map(
      points.map(({ tags, values }) => [tags?.level ?? '', new Set(values.map(([, v]) => Number(v)))]), // prettier-ignore
    ),
    registers: new Map(registers.map(({ tags, values }) => [tags?.k ?? '', Number(values[0]?.[1])])), // prettier-ignore
  };
}

async function ask(url: string, q: string, nodeId: number): Promise<readonly Series[]> {
  const { text } = await query(url, q, { db: database, nodeId });
  const [result] = (JSON.parse(text) as Answer).results;
  if (result?.error !== undefined) throw new Error(result.error);
  return result?.series ?? [];
}
