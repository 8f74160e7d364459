/**
 * `npm run nemesis -- [--minutes N] [--seed S] [--faults KIND,…] [--plant P]`: three meta and three data nodes as real processes, replication two, written to
 * through each node at every level, while nodes are killed (-9), stand still (SIGSTOP), find their disk full (a small tmpfs) and
 * are parted from one another (network namespaces), both ways or so that one no longer hears another that hears it; the latter three where the
 * system lets one. Meanwhile answers are right, or errors, and what was deleted does not come back. Then all is well, hinted handoff
 * drains, owners that differ are repaired, and each owner is asked alone. Ends with `N passed, N failed`, a line for each
 * promise: no acknowledged point is lost, at any level; each owner has all of them; owners hold equal values, of points that were
 * written over and over through all nodes too. The folder of a cluster that failed is kept, and named. `--plant deleted` takes an
 * acknowledged point away at the end, `--plant invented` adds one to the ledger: either has to be found, after `--settle-seconds`.
 */
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { heldBy } from '../test/nemesis/check-owners.ts';
import { Deleters } from '../test/nemesis/deleters.ts';
import { faultKinds, Faults, SmallDisk } from '../test/nemesis/faults.ts';
import { describeLacks, findDifferences, findLosses, isHeld, withoutPoint, type NodeHeld } from '../test/nemesis/judge.ts'; // prettier-ignore
import { Readers } from '../test/nemesis/readers.ts';
import { Verdict } from '../test/nemesis/verdict.ts';
import { removePoint, Writers } from '../test/nemesis/writers.ts';
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
const calmMs = 5_000;
const wrongShownMax = 5;
/** From here on a run that never met one of the faults shows nothing. */
const allFaultsMs = 240_000;
/** Deletes one acknowledged point everywhere, or makes believe that one was acknowledged which nobody has written. */
const plants = ['deleted', 'invented'] as const;
const plantedLevel = 'any';
const invented = -1;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    'port-offset': { type: 'string', default: '15000' },
    plant: { type: 'string', default: '' },
    faults: { type: 'string', default: faultKinds.join() },
    'settle-seconds': { type: 'string', default: '60' },
  },
});
const settleMsMax = Number(values['settle-seconds']) * 1_000;
const repairMsMax = 5 * settleMsMax;
if (values.plant !== '' && !plants.some((one) => one === values.plant))
  throw new Error(`--plant is one of ${plants.join(', ')}`);
process.exitCode = await run(Number(values.minutes) * 60_000);

async function run(durationMs: number): Promise<number> {
  const kinds = faultKinds.filter((kind) => values.faults.split(',').includes(kind));
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
    const readers = new Readers(urls, writers);
    const deleters = new Deleters(urls);
    const running = [writers.run(), readers.run(), deleters.run()];
    const faults = new Faults(cluster, Prng.fromSeed(Number(values.seed)), { names, disk, namespaces, kinds }); // prettier-ignore
    const untilMs = performance.now() + durationMs;
    while (performance.now() < untilMs) {
      print(`${new Date().toISOString()} ${await faults.strike()}`);
      // Levels that need every owner get their turn.
      await new Promise((resolve) => setTimeout(resolve, calmMs));
    }
    writers.stop();
    readers.stop();
    deleters.stop();
    await Promise.all(running);
    const errors = [...readers.errors].map(([text, count]) => `${count} ${text}`);
    print(`${readers.answerCount} answers and ${readers.errorCount} errors, within ${Math.round(readers.slowestMs)} ms: ${errors.join('; ')}`); // prettier-ignore
    const wrong = [...readers.faults, ...deleters.faults];
    verdict.report(
      'answers meanwhile are right, or errors',
      wrong.slice(0, wrongShownMax).join('; '),
    );
    const happened = faults.kinds.map((kind) => `${kind} ${faults.counts[kind]}`).join(', ');
    const isThin = durationMs >= allFaultsMs && faults.kinds.some((kind) => faults.counts[kind] === 0); // prettier-ignore
    verdict.report(`faults: ${happened}`, isThin ? 'one of them never happened' : '');
    const planted = await plantLoss(urls[0] ?? '', writers);
    await judge(cluster, { writers, deleters, planted, verdict });
  } finally {
    const keepsFolder = verdict.failedCount > 0 && values.plant === '';
    // A node may still have files open there: what is not in use any more goes with the last of them.
    disk?.unmount({ keepsFiles: keepsFolder });
    await cluster.stop({ keepsFolder });
    if (keepsFolder) print(`what the nodes had is in ${cluster.dir}`);
    namespaces?.remove();
  }
  print(`${verdict.passedCount} passed, ${verdict.failedCount} failed`);
  return verdict.failedCount === 0 ? 0 : 1;
}

interface Judged {
  readonly writers: Writers;
  readonly deleters: Deleters;
  readonly planted: number | undefined;
  readonly verdict: Verdict;
}

async function judge(
  cluster: DevCluster,
  { writers, deleters, planted, verdict }: Judged,
): Promise<void> {
  // What was planted never comes: all else is waited for.
  const awaited = planted === undefined ? writers : withoutPoint(writers, planted);
  const ids = await dataIdsOf(cluster.url('meta', 1));
  let held: readonly NodeHeld[] = [];
  let lacks = 'not looked at';
  const look = async (): Promise<void> => {
    held = await Promise.all(
      ids.map(async (nodeId, i) => ({ nodeId, ...(await heldBy(cluster.url('data', i + 1), nodeId)) })), // prettier-ignore
    );
    lacks = describeLacks(held, awaited, replication);
    if (planted !== undefined && isHeld(held, planted)) lacks = `${planted} is still there`;
    if (lacks !== '') throw new Error(lacks);
  };
  const lookForDeleted = async (): Promise<string> => {
    const said = await Promise.all(ids.map((nodeId, i) => deleters.check(cluster.url('data', i + 1), nodeId))); // prettier-ignore
    return said.map((fault, i) => (fault === '' ? '' : `node ${ids[i]}: ${fault}`)).join('');
  };
  await eventually(look, settleMsMax).catch(() => undefined);
  verdict.reportAll(findLosses(held, writers));
  print(`before repairs: ${lacks || 'owners are equal'}`);
  await eventually(async () => {
    await repair(cluster);
    await look();
  }, repairMsMax).catch(() => undefined);
  verdict.reportAll(findDifferences(held, writers, replication));
  verdict.report(
    `${deleters.deletedCount} points were deleted, and stay so`,
    await lookForDeleted(),
  );
  print(`${writers.refusedCount} writes were not acknowledged`);
}

/** What has to be found out: the number of the point that no owner has from now on. */
async function plantLoss(url: string, writers: Writers): Promise<number | undefined> {
  const numbers = writers.acknowledged.get(plantedLevel);
  const [first = 0] = numbers ?? [];
  if (values.plant === '') return undefined;
  if (values.plant === 'deleted') await removePoint(url, first);
  else numbers?.push(invented);
  return values.plant === 'deleted' ? first : invented;
}

/** Has shards repaired whose owners differ. */
async function repair(cluster: DevCluster): Promise<void> {
  const bind = ['-bind', new URL(cluster.url('meta', 1)).host];
  const { text } = await cluster.ctl([...bind, 'entropy', 'show']);
  for (const [, id = ''] of text.matchAll(/^(\d+) .*(?:diff|missing)$/gm))
    await cluster.ctl([...bind, 'entropy', 'repair', id]);
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
