import type { RandomChoice } from '../fresh/random-choice.ts';
import { bytesOf, line as oddLine } from '../fresh/random-bytes.ts';
import { batchKeys } from './random-graphite.ts';
import type { Door } from './door.ts';

/** Datagrams of line protocol, of which some have a line that is none. */
export function randomUdp(random: RandomChoice, database: string): Door {
  const precision = random.of(['', 'n', 'u', 'ms', 's', 'm', 'h', 'ns', 'x']);
  const policy = random.chance(0.3) ? [`retention-policy = "${random.of(['', 'autogen', 'nosuch'])}"`] : []; // prettier-ignore
  const keys = [`precision = "${precision}"`, ...policy, ...batchKeys(random)];
  const oddShare = random.of([0, 0.1, 0.5]);
  const sends = Array.from({ length: random.integer(4, 30) }, () => {
    const lines = Array.from({ length: random.of([1, 1, 2, 3, 9]) }, () =>
      random.chance(oddShare) ? bytesOf(`${oddLine(random)}\n`) : plainLine(random),
    );
    return Buffer.concat(lines);
  });
  return { section: 'udp', network: 'udp', database, keys, sends };
}

function plainLine(random: RandomChoice): Buffer {
  const field = random.of(['f=1', 'f=2.5', 'i=3i', 's="a b"', 'b=t', 'f="x"', 'i=1']);
  const tag = random.maybe(0.5, () => `,host=${random.of(['a', 'b', 'c d'.replace(' ', '\\ ')])}`);
  return Buffer.from(`${random.of(['m', 'n', 'o'])}${tag} ${field} ${random.integer(1, 9_999)}\n`);
}
