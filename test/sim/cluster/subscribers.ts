/**
 * Servers that are none of the cluster and get what is written to database d: one over HTTP and one over UDP that get all of it,
 * and two of which either does. They answer late, not at all, or with an error, and have taken what they were sent all the same.
 * Promise: none of them gets a line more often than a client sent it.
 */
import { below, type Random } from '../../../src/env/random.ts';
import type { World } from '../world/world.ts';
import { measurementOf } from './points.ts';
import { windowMeasurements } from './window-queries.ts';

/** The statements that make the subscriptions. */
export const subscriptionStatements: readonly string[] = [
  `CREATE SUBSCRIPTION mirror ON d.autogen DESTINATIONS ALL 'http://s1:9000', 'udp://s2:9000'`,
  `CREATE SUBSCRIPTION either ON d.autogen DESTINATIONS ANY 'http://s3:9000', 'http://s4:9000'`,
];

const hosts = ['s1:9000', 's2:9000', 's3:9000', 's4:9000'] as const;

export class Subscribers {
  readonly #counts = new Map<string, Map<string, number>>(hosts.map((host) => [host, new Map()]));

  constructor(world: World) {
    const random = world.random('subscribers');
    for (const host of hosts)
      world.receivers.set(host, {
        post: (_url, body) => {
          this.#take(host, Buffer.from(body).toString().trimEnd().split('\n'));
          return answer(random);
        },
        datagram: (part) => {
          this.#take(host, [Buffer.from(part).toString()]);
        },
      });
  }

  /** Lines that came, to all of them. */
  get lineCount(): number {
    let count = 0;
    for (const lines of this.#counts.values()) count += lines.size;
    return count;
  }

  /** A line that clients write is written once; what a continuous query has computed again may come again. */
  check(): void {
    for (const [host, lines] of this.#counts)
      for (const [line, count] of lines)
        if (count > 1 && !windowMeasurements.includes(measurementOf(line)))
          throw new Error(`subscriber ${host} got ${count} times what was sent once: ${line}`);
  }

  #take(host: string, lines: readonly string[]): void {
    const counts = this.#counts.get(host);
    for (const line of lines) counts?.set(line, (counts.get(line) ?? 0) + 1);
  }
}

function answer(random: Random): { readonly status: number; readonly text: string } | undefined {
  const dice = below(random, 20);
  if (dice === 0) return undefined;
  return dice < 3 ? { status: 500, text: 'no' } : { status: 204, text: '' };
}
