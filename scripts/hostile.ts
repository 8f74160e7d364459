/**
 * `npm run hostile`: runs the attacks of test/hostile against a fresh cluster of real processes and holds it to the
 * promises of test/hostile/watch.ts. Ends with `N passed, N failed`.
 */
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { Attack, HostileTarget } from '../test/hostile/attack.ts';
import { attacks } from '../test/hostile/attacks.ts';
import { Ledger } from '../test/hostile/ledger.ts';
import { brokenPromises, Watch, type WatchedNode } from '../test/hostile/watch.ts';
import { DevCluster, eventually } from '../test/support/dev-cluster.ts';

const metaCount = 1;
const dataCount = 2;
const portOffset = 12_000;
/** An attack that has not ended by then has failed. */
const attackMsMax = 180_000;
/** What was acknowledged at a lower level than all may reach the other owner this much later. */
const settleMsMax = 30_000;

const { values: options } = parseArgs({
  options: { only: { type: 'string' }, list: { type: 'boolean', default: false } },
});
const wanted = options.only?.split(',');
const chosen = attacks.filter(({ id }) => wanted === undefined || wanted.includes(id));
if (options.list) for (const { id, title } of attacks) print(`${id}\t${title}`);
else process.exitCode = await runAll(chosen);

async function runAll(all: readonly Attack[]): Promise<number> {
  const cluster = new DevCluster(portOffset, '--metas', `${metaCount}`, '--data', `${dataCount}`);
  let passedCount = 0;
  let failedCount = 0;
  const count = (title: string, faults: readonly string[]): void => {
    if (faults.length === 0) passedCount++;
    else failedCount++;
    print(`${faults.length === 0 ? 'held  ' : 'FAILED'}  ${title}`);
    for (const fault of faults) print(`        ${fault}`);
  };
  try {
    await cluster.start();
    const target = targetOf(cluster);
    const nodes = nodesOf(cluster, target);
    const ledger = new Ledger(target.dataUrls);
    await ledger.create();
    const honest = ledger.run();
    for (const attack of all)
      count(`${attack.id} ${attack.title}`, await underWatch(attack, { target, nodes }));
    ledger.stop();
    await honest;
    const faults = await lostPoints(ledger, target.dataUrls);
    const title = `${ledger.acknowledgedCount} points acknowledged meanwhile, ${ledger.refusedCount} refused`;
    count(title, faults);
  } finally {
    await cluster.stop();
  }
  print(`${passedCount} passed, ${failedCount} failed`);
  return failedCount === 0 ? 0 : 1;
}

async function underWatch(
  attack: Attack,
  { target, nodes }: { readonly target: HostileTarget; readonly nodes: readonly WatchedNode[] },
): Promise<readonly string[]> {
  const watch = new Watch(nodes);
  const watching = watch.run();
  const faults: string[] = [];
  try {
    await Promise.race([attack.run(target), deadline()]);
  } catch (error) {
    faults.push(error instanceof Error ? error.message : String(error));
  }
  watch.stop();
  const figures = await watching;
  const worst = figures.map(
    ({ name, pingMsMax, rssMiBMax }) => `${name} ${pingMsMax} ms ${rssMiBMax} MiB`,
  );
  print(`        ${attack.id}: ${worst.join(', ')}`);
  return [...faults, ...brokenPromises(nodes, figures)];
}

async function lostPoints(ledger: Ledger, urls: readonly string[]): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const url of urls) {
    const check = async (): Promise<void> => {
      const missing = await ledger.missing(url);
      if (missing.length > 0) throw new Error(`${url} lacks ${missing.length} acknowledged points`);
    };
    try {
      await eventually(check, settleMsMax);
    } catch (error) {
      faults.push(error instanceof Error ? error.message : String(error));
    }
  }
  return faults;
}

function deadline(): Promise<never> {
  return new Promise((_resolve, reject) => {
    const text = `still running after ${attackMsMax / 1000} s`;
    setTimeout(() => {
      reject(new Error(text));
    }, attackMsMax).unref();
  });
}

function targetOf(cluster: DevCluster): HostileTarget {
  const numbers = (length: number) => Array.from({ length }, (_, i) => i + 1);
  const dataUrls = numbers(dataCount).map((number) => cluster.url('data', number));
  const metaUrls = numbers(metaCount).map((number) => cluster.url('meta', number));
  return {
    dataUrls,
    metaUrls,
    // The RPC port of a data node is two above its API, that of a meta node two below.
    dataRpcAddresses: dataUrls.map((url) => addressBeside(url, 2)),
    metaRpcAddresses: metaUrls.map((url) => addressBeside(url, -2)),
    folder: join(cluster.dir),
  };
}

function addressBeside(url: string, distance: number): string {
  const { hostname, port } = new URL(url);
  return `${hostname}:${Number(port) + distance}`;
}

function nodesOf(
  cluster: DevCluster,
  { dataUrls, metaUrls }: HostileTarget,
): readonly WatchedNode[] {
  const node = (kind: 'data' | 'meta') => (url: string, i: number) => {
    const name = `${kind}-${i + 1}`;
    return { name, url, pid: cluster.pid(name) };
  };
  return [...metaUrls.map(node('meta')), ...dataUrls.map(node('data'))];
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}
