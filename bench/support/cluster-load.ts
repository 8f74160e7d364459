/**
 * What `npm run bench:cluster` puts on a cluster: bodies over connections that stay open, shared out among its nodes, and
 * small writes at an even pace whose answers are timed from when they were due, so that a stall is not hidden by its own
 * waiting. What is left of hinted handoff is read from the coordinator's own numbers.
 */
import { pacedCalls, type TimedCall as TimedWrite } from './paced-calls.ts';
import { RawClient } from './raw-client.ts';
import type { Workload } from '../workloads.ts';

export interface Target {
  /** Of nodes that take turns. */
  readonly urls: readonly string[];
  readonly consistency: string;
  readonly clients: number;
}

/** Posts bodies `from` up to `to`; answers lines a second. */
export async function ingest(
  { urls, consistency, clients: clientCount }: Target,
  workload: Workload,
  from: number,
  to: number,
): Promise<number> {
  const clients = await Promise.all(
    Array.from({ length: clientCount }, (_, i) =>
      RawClient.connect(writeUrl(urls[i % urls.length] ?? '', consistency)),
    ),
  );
  const startMs = performance.now();
  let next = from;
  const send = async (client: RawClient): Promise<void> => {
    for (let at = next++; at < to; at = next++) await client.post(workload.bodyAt(at));
  };
  await Promise.all(clients.map(send));
  const seconds = (performance.now() - startMs) / 1_000;
  for (const client of clients) client.close();
  const linesABody = workload.lineCount / workload.bodies.length / workload.passes;
  return ((to - from) * linesABody) / seconds;
}

export type { TimedWrite };

const paceMs = 5;

export interface PacedOptions {
  readonly database?: string;
  /** Of the first point; each other is a nanosecond later. */
  readonly firstNs?: bigint;
  readonly consistency?: string;
}

/** One small write each `everyMs` over `connections` that take turns; all waits in milliseconds once `until` is settled. */
export async function pacedWrites(
  url: string,
  everyMs: number,
  until: Promise<unknown>,
  options: PacedOptions = {},
): Promise<readonly number[]> {
  return (await timedWrites(url, everyMs, until, options)).map(({ waitMs }) => waitMs);
}

/** As `pacedWrites`, with when each was due. */
async function timedWrites(
  url: string,
  everyMs: number,
  until: Promise<unknown>,
  { database = 'd', firstNs = 1n, consistency = 'one' }: PacedOptions = {},
): Promise<readonly TimedWrite[]> {
  const target = writeUrl(url, consistency, database);
  const all = await Promise.all(Array.from({ length: 16 }, () => RawClient.connect(target)));
  const writes = await pacedCalls(all, everyMs, until, (client, sent) =>
    client.post(
      Buffer.from(`paced,host=h${sent % 100} value=${sent}i ${firstNs + BigInt(sent)}\n`),
    ),
  );
  for (const client of all) client.close();
  return writes;
}

/** Small writes each 5 ms, each a point of its own. */
export class FreshWrites {
  readonly #url: string;
  readonly #options: PacedOptions & { readonly firstNs: bigint };
  #count = 0;

  constructor(url: string, options: PacedOptions & { readonly firstNs: bigint }) {
    this.#url = url;
    this.#options = options;
  }

  /** In order of when they were due. */
  async until(over: Promise<unknown>): Promise<readonly TimedWrite[]> {
    const firstNs = this.#options.firstNs + BigInt(this.#count);
    const writes = await timedWrites(this.#url, paceMs, over, { ...this.#options, firstNs });
    this.#count += writes.length;
    return [...writes].sort((a, b) => a.dueMs - b.dueMs);
  }
}

/** Bytes that a node keeps for others, by its own numbers. */
export async function hintedBytes(url: string): Promise<number> {
  const vars = (await (await fetch(`${url}/debug/vars`)).json()) as Readonly<
    Record<string, { readonly name?: string; readonly values?: { readonly queueBytes?: number } }>
  >;
  let bytes = 0;
  for (const { name, values } of Object.values(vars))
    if (name === 'hh_processor') bytes += values?.queueBytes ?? 0;
  return bytes;
}

function writeUrl(url: string, consistency: string, database = 'd'): URL {
  return new URL(`${url}/write?db=${database}&consistency=${consistency}`);
}
