import { below, type Random } from '../../../src/env/random.ts';
import type { ClusterWorld } from './cluster-world.ts';
import { OverwrittenPoint } from './overwritten-point.ts';

/** One round: two owners of a point, in either order, and the value that it writes first. */
export interface OwnerRound {
  readonly point: OverwrittenPoint;
  readonly owners: readonly [late: string, other: string];
  readonly value: number;
  readonly number: number;
  readonly random: Random;
}

/**
 * Has `play` write over a point of two owners so often, the later value being one more than the round's. Gives how many owners were looked at
 * behind the rounds; rejects where one has another value than the later one.
 */
export async function playRounds(
  cluster: ClusterWorld,
  { name, roundCount }: { readonly name: string; readonly roundCount: number },
  play: (round: OwnerRound) => Promise<void>,
): Promise<number> {
  const random = cluster.world.random(name);
  await cluster.form();
  const point = new OverwrittenPoint(cluster);
  await point.createDatabase();
  await point.write('d1', 0, 'all');
  const names = await point.owners();
  let lookedAt = 0;
  for (let number = 1; number <= roundCount; number++) {
    const first = below(random, names.length);
    const owners = [names[first] ?? '', names[1 - first] ?? ''] as const;
    const value = number * 10;
    await play({ point, owners, value, number, random });
    lookedAt += await point.check(value + 1, number);
  }
  return lookedAt;
}
