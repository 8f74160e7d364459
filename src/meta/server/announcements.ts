/**
 * Who is heard of, and what they say of themselves (spec F15): in memory only, passed on by meta nodes to each other.
 *
 * Invariants:
 * - Forgotten when silent for longer than `announcement-expiration`, however often it is passed on: what is heard at
 *   second hand is as old as it was there.
 * - Never more than heardMax of them.
 */
import type { Clock } from '../../env/clock.ts';
import { below, type Random } from '../../env/random.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';
import { announceMethod, heardMax, type Announcement, type HeardOf } from '../client/meta-methods.ts'; // prettier-ignore

const deadlineMs = 2_000;

export class Announcements {
  readonly #clock: Clock;
  readonly #expirationMs: number;
  readonly #heard = new Map<
    string,
    Omit<HeardOf, 'ageMs' | 'tcpAddress'> & { readonly atMs: number }
  >();

  constructor(clock: Clock, expirationMs: number) {
    this.#clock = clock;
    this.#expirationMs = expirationMs;
  }

  note({ heard = [], ...self }: Announcement): void {
    for (const other of heard) this.#take(other);
    this.#take({ ...self, ageMs: 0 });
  }

  /** All that is not too old to be passed on. */
  get heard(): readonly HeardOf[] {
    const nowMs = this.#clock.monotonicMs();
    return [...this.#heard]
      .map(([tcpAddress, { atMs, ...said }]) => ({ tcpAddress, ...said, ageMs: nowMs - atMs }))
      .filter(({ ageMs }) => ageMs <= this.#expirationMs);
  }

  /** Whether it ever said anything since this process began, as far as that is remembered: only members do. */
  hasHeardOf(tcpAddress: string): boolean {
    return this.#heard.has(tcpAddress);
  }

  /** '' when the node is silent. */
  versionOf(tcpAddress: string): string {
    return this.#lately(tcpAddress)?.version ?? '';
  }

  /** `http` of one that is silent too. */
  schemeOf(tcpAddress: string): string {
    return this.#lately(tcpAddress)?.httpScheme ?? 'http';
  }

  #lately(
    tcpAddress: string,
  ): { readonly version: string; readonly httpScheme?: string | undefined } | undefined {
    const heard = this.#heard.get(tcpAddress);
    if (heard === undefined) return undefined;
    return this.#clock.monotonicMs() - heard.atMs <= this.#expirationMs ? heard : undefined;
  }

  #take({ tcpAddress, ageMs, ...said }: HeardOf): void {
    const atMs = this.#clock.monotonicMs() - Math.max(0, ageMs);
    const known = this.#heard.get(tcpAddress);
    if (known !== undefined && known.atMs >= atMs) return;
    // The one heard of first goes, so the order is that of the news.
    this.#heard.delete(tcpAddress);
    this.#heard.set(tcpAddress, { ...said, atMs });
    for (const [oldest] of this.#heard) {
      if (this.#heard.size <= heardMax) return;
      this.#heard.delete(oldest);
    }
  }
}

/** Tells all of `addresses`; who does not answer is told again next time. */
export async function announceTo(
  rpc: RpcClient,
  addresses: readonly string[],
  announcement: Announcement,
): Promise<void> {
  await Promise.allSettled(
    addresses.map((address) => rpc.call(address, announceMethod, announcement, { deadlineMs })),
  );
}

/** One of them by chance, as a list: news gets around by itself, at a price that does not grow with the cluster. */
export function anyOf(addresses: readonly string[], random: Random): readonly string[] {
  const one = addresses[below(random, Math.max(1, addresses.length))];
  return one === undefined ? [] : [one];
}
