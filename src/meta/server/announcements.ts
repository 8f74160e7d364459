import type { Clock } from '../../env/clock.ts';
import type { RpcClient } from '../../rpc/rpc-client.ts';

/** What a node tells of itself now and then (spec F15); known by its TCP address. */
export interface Announcement {
  readonly tcpAddress: string;
  readonly version: string;
}

const deadlineMs = 2_000;

/** Who is heard of: in memory only, forgotten when silent for longer than `announcement-expiration`. */
export class Announcements {
  readonly #clock: Clock;
  readonly #expirationMs: number;
  readonly #heard = new Map<string, { readonly version: string; readonly atMs: number }>();

  constructor(clock: Clock, expirationMs: number) {
    this.#clock = clock;
    this.#expirationMs = expirationMs;
  }

  note({ tcpAddress, version }: Announcement): void {
    this.#heard.set(tcpAddress, { version, atMs: this.#clock.monotonicMs() });
  }

  /** '' when the node is silent. */
  versionOf(tcpAddress: string): string {
    const heard = this.#heard.get(tcpAddress);
    if (heard === undefined) return '';
    return this.#clock.monotonicMs() - heard.atMs <= this.#expirationMs ? heard.version : '';
  }
}

/** Tells all of `addresses`; who does not answer is told again next time. */
export async function announceTo(
  rpc: RpcClient,
  addresses: readonly string[],
  announcement: Announcement,
): Promise<void> {
  await Promise.allSettled(
    addresses.map((address) => rpc.call(address, 'meta.announce', announcement, { deadlineMs })),
  );
}
