/**
 * `npm run nemesis -- [--minutes N] [--seed S]`: three meta and three data nodes as real processes, replication two, written to
 * through each node at every level, while nodes are killed (-9), stand still (SIGSTOP), find their disk full (a small tmpfs) and
 * are parted from one another (network namespaces); the latter two where the system lets one. Then all is well, hinted handoff
 * drains, owners that differ are repaired, and each owner is asked alone. Ends with `N passed, N failed`, a line for each
 * promise: no acknowledged point is lost, at any level; each owner has all of them; owners hold equal values, of points that were
 * written over and over through all nodes too. The folder of a cluster that failed is kept, and named.
 */
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { differenceOf, heldBy, ownersOf, type Held } from '../test/nemesis/check-owners.ts';
import { Faults, faultKinds, SmallDisk } from '../test/nemesis/faults.ts';
import { Verdict } from '../test/nemesis/verdict.ts';
import { Writers } from '../test/nemesis/writers.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';
import { Namespaces } from '../test/support/namespaces.ts';

const dataCount = 3;
const replication = 2;
const environment = {
  /** What waits in hinted handoff is tried again every two seconds, so that it drains while the test waits. */
  INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s',
  /** A coordinator that dies has copies in hand that nobody else knows of: these are brought by repairs. */
  INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
};
const settleMsMax = 60_000;
const repairMsMax = 300_000;
const calmMs = 5_000;
/** Lost points that are named. */
const namedMax = 10;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    'port-offset': { type: 'string', default: '15000' },
  },
});
process.exitCode = await run(Number(values.minutes) * 60_000);

async function run(durationMs: number): Promise<number> {
  const nodes = [
    ...numbersTo(3).map((number) => ({ kind: 'meta', number }) as const),
    ...numbersTo(dataCount).map((number) => ({ kind: 'data', number }) as const),
  ];
  const made = Namespaces.make(`vn${process.pid % 100_000}`, nodes);
  const namespaces = typeof made === 'string' ? undefined : made;
  if (typeof made === 'string') print(`${made}: partitions are left out`);
  const within = namespaces === undefined ? [] : ['--namespaces', namespaces.name];
  const cluster = new DevCluster(Number(values['port-offset']), '--metas', '3', '--data', `${dataCount}`, ...within); // prettier-ignore
  const disk = SmallDisk.mount(cluster.dir, 'data-3');
  if (disk === undefined) print('no small disk may be mounted here: full disks are left out');
  const verdict = new Verdict();
  try {
    await cluster.start(environment);
    const urls = numbersTo(dataCount).map((number) => cluster.url('data', number));
    const names = nodes.flatMap(({ kind, number }) => Array.from({ length: kind === 'data' ? 2 : 1 }, () => `${kind}-${number}`)); // prettier-ignore
    const writers = new Writers(urls);
    await writers.createDatabase(replication);
    const writing = writers.run();
    const faults = new Faults(cluster, Prng.fromSeed(Number(values.seed)), { names, disk, namespaces }); // prettier-ignore
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs) {
      print(`${new Date().toISOString()} ${await faults.strike()}`);
      // Levels that need every owner get their turn.
      await new Promise((resolve) => setTimeout(resolve, calmMs));
    }
    writers.stop();
    await writing;
    print(faultKinds.map((kind) => `${kind} ${faults.counts[kind]}`).join(', '));
    await judge(cluster, writers, verdict);
  } finally {
    const keepsFolder = verdict.failedCount > 0;
    // A node may still have files open there: what is not in use any more goes with the last of them.
    disk?.unmount({ keepsFiles: keepsFolder });
    await cluster.stop({ keepsFolder });
    if (keepsFolder) print(`what the nodes had is in ${cluster.dir}`);
    namespaces?.remove();
  }
  print(`${verdict.passedCount} passed, ${verdict.failedCount} failed`);
  return verdict.failedCount === 0 ? 0 : 1;
}

async function judge(cluster: DevCluster, writers: Writers, verdict: Verdict): Promise<void> {
  const urls = numbersTo(dataCount).map((number) => cluster.url('data', number));
  const owners = await ownersOf(urls[0] ?? '');
  const ids = await dataIdsOf(cluster.url('meta', 1));
  const ownerUrls = owners.map((id) => urls[ids.indexOf(id)] ?? '');
  const all = [...writers.acknowledged.values()].flat();
  let held: readonly Held[] = [];
  const lackedBy = ({ points }: Held): number => all.filter((number) => !points.has(number)).length;
  const look = async (): Promise<void> => {
    held = await Promise.all(ownerUrls.map(heldBy));
    const isWhole = held.every((one) => lackedBy(one) === 0) && differenceOfAll(held) === '';
    if (!isWhole) throw new Error('not yet');
  };
  await eventually(look, settleMsMax).catch(() => undefined);
  for (const [level, numbers] of writers.acknowledged)
    verdict.report(`${numbers.length} points acknowledged at ${level}`, lossOf(numbers, held, writers)); // prettier-ignore
  print(`before repairs owners lack ${held.map(lackedBy).join(' and ')}; ${differenceOfAll(held) || 'they are equal'}`); // prettier-ignore
  for (const [i, one] of held.entries())
    print(`  owner ${owners[i]} lacks ${named(all.filter((number) => !one.points.has(number)), writers)}`); // prettier-ignore
  await eventually(async () => {
    await repair(cluster);
    await look();
  }, repairMsMax).catch(() => undefined);
  verdict.report(`each of ${ownerUrls.length} owners, asked alone, has all`, held.every((one) => lackedBy(one) === 0) ? '' : `they lack ${held.map(lackedBy).join(' and ')}`); // prettier-ignore
  const title = `nodes ${owners.join()} equal, ${held[0]?.points.size ?? 0} points; ${writers.refusedCount} writes were not acknowledged`;
  verdict.report(title, held.length < replication ? 'there are no two owners' : differenceOfAll(held)); // prettier-ignore
}

/** Has shards repaired whose owners differ. */
async function repair(cluster: DevCluster): Promise<void> {
  const bind = ['-bind', new URL(cluster.url('meta', 1)).host];
  const { text } = await cluster.ctl([...bind, 'entropy', 'show']);
  for (const [, id = ''] of text.matchAll(/^(\d+) .*(?:diff|missing)$/gm))
    await cluster.ctl([...bind, 'entropy', 'repair', id]);
}

/** Points that no owner has. */
function lossOf(numbers: readonly number[], held: readonly Held[], writers: Writers): string {
  const lost = numbers.filter((number) => !held.some(({ points }) => points.has(number)));
  if (lost.length === 0) return '';
  return `no owner has ${lost.length}: ${named(lost, writers)}`;
}

function named(numbers: readonly number[], { told }: Writers): string {
  const texts = numbers.slice(0, namedMax).map((number) => `${number} (${told.get(number)})`);
  return texts.join(', ') || 'none';
}

/** Each node answers from its own copy what it owns of the shards: all of them together cover each copy. */
function differenceOfAll([first, ...others]: readonly Held[]): string {
  const texts = others.map((other) => (first === undefined ? '' : differenceOf(first, other)));
  return texts.filter((text) => text !== '').join('; ');
}

/** Of the data nodes, in the order of their ports. */
async function dataIdsOf(metaUrl: string): Promise<readonly number[]> {
  const response = await fetch(`${metaUrl}/show-cluster`);
  const { data } = (await response.json()) as { data: { id: number; tcpAddr: string }[] };
  return data.sort((a, b) => portOf(a.tcpAddr) - portOf(b.tcpAddr)).map(({ id }) => id);
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

function numbersTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => i + 1);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
