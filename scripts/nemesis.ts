/**
 * `npm run nemesis -- [--minutes N] [--seed S]`: three meta and three data nodes as real processes, replication two, written to
 * through each node at every level, while nodes are killed (-9), stand still (SIGSTOP) and find their disk full (a small tmpfs,
 * where one may be mounted). Then all is well, hinted handoff drains, and each owner is asked alone. Ends with `N passed, N
 * failed`, a line for each promise: no acknowledged point is lost, at any level; owners hold equal values, of points that were
 * written over and over through all nodes too.
 */
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { differenceOf, heldBy, ownersOf, type Held } from '../test/nemesis/check-owners.ts';
import { Faults, faultKinds, SmallDisk } from '../test/nemesis/faults.ts';
import { Writers } from '../test/nemesis/writers.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';

const dataCount = 3;
const replication = 2;
/** What waits in hinted handoff is tried again each second here, so that it drains while the test waits. */
const environment = { INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s' };
const settleMsMax = 120_000;
const calmMs = 5_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    'port-offset': { type: 'string', default: '15000' },
  },
});
process.exitCode = await run(Number(values.minutes) * 60_000);

async function run(durationMs: number): Promise<number> {
  const cluster = new DevCluster(Number(values['port-offset']), '--metas', '3', '--data', `${dataCount}`); // prettier-ignore
  const disk = SmallDisk.mount(cluster.dir, 'data-3');
  if (disk === undefined) print('no small disk may be mounted here: full disks are left out');
  let failedCount = 0;
  let passedCount = 0;
  const report = (text: string, fault: string): void => {
    if (fault === '') passedCount++;
    else failedCount++;
    print(`${fault === '' ? 'held  ' : 'FAILED'}  ${text}${fault === '' ? '' : `: ${fault}`}`);
  };
  try {
    await cluster.start(environment);
    const urls = numbersTo(dataCount).map((number) => cluster.url('data', number));
    const names = [...numbersTo(3).map((n) => `meta-${n}`), ...numbersTo(dataCount).flatMap((n) => [`data-${n}`, `data-${n}`])]; // prettier-ignore
    const writers = new Writers(urls);
    await writers.createDatabase(replication);
    const writing = writers.run();
    const faults = new Faults(cluster, Prng.fromSeed(Number(values.seed)), { names, disk });
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs) {
      await faults.strike();
      // Levels that need every owner get their turn.
      await new Promise((resolve) => setTimeout(resolve, calmMs));
    }
    writers.stop();
    await writing;
    print(faultKinds.map((kind) => `${kind} ${faults.counts[kind]}`).join(', '));
    await judge(urls, { writers, metaUrl: cluster.url('meta', 1) }, report);
  } finally {
    // Its node may still have files open there: what is not in use any more goes with the last of them.
    disk?.unmount();
    await cluster.stop();
  }
  print(`${passedCount} passed, ${failedCount} failed`);
  return failedCount === 0 ? 0 : 1;
}

async function judge(
  urls: readonly string[],
  { writers, metaUrl }: { readonly writers: Writers; readonly metaUrl: string },
  report: (text: string, fault: string) => void,
): Promise<void> {
  const owners = await ownersOf(urls[0] ?? '');
  const ids = await dataIdsOf(metaUrl);
  const ownerUrls = owners.map((id) => urls[ids.indexOf(id)] ?? '');
  let held: readonly Held[] = [];
  const lackOf = (level: readonly number[]): string => {
    const lacks = held.map(({ points }) => level.filter((number) => !points.has(number)).length);
    return lacks.every((count) => count === 0) ? '' : `owners lack ${lacks.join(' and ')}`;
  };
  const all = [...writers.acknowledged.values()].flat();
  await eventually(async () => {
    held = await Promise.all(ownerUrls.map(heldBy));
    if (lackOf(all) !== '' || differenceOfAll(held) !== '') throw new Error('not yet');
  }, settleMsMax).catch(() => undefined);
  for (const [level, numbers] of writers.acknowledged)
    report(`${numbers.length} points acknowledged at ${level}`, lackOf(numbers));
  const title = `nodes ${owners.join()} equal, ${held[0]?.points.size ?? 0} points; ${writers.refusedCount} writes were not acknowledged`;
  report(title, held.length < replication ? 'there are no two owners' : differenceOfAll(held));
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
