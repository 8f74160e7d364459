/**
 * `npm run operations -- [--rounds N] [--seed S] [--users] [--only NAME,…] [--troubles N]`: three meta and four data nodes (one passive) as real processes, replication two, copies held to a few kB/s so that they last.
 * Clients write at every level, read and delete all the while. In each round some operations are under way together (copies, plans, backups and restores, nodes on empty disks,
 * members that leave and come back, drops, policies, types, users; test/operations) while nodes are killed, stand still, have a full or failing disk, or too few descriptors.
 * Behind a round all comes to its end, and each owner is asked alone. Ends with what was refused and how often, and `N faults`; with any the folder of the cluster is kept, and named.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Prng } from '../src/base/prng.ts';
import { SmallDisk } from '../test/nemesis/faults.ts';
import { backupOperations } from '../test/operations/backup-operations.ts';
import { Load, dayCount } from '../test/operations/load.ts';
import { metaOperations } from '../test/operations/meta-operations.ts';
import { moveOperations } from '../test/operations/move-operations.ts';
import { loggedErrors } from '../test/operations/logged-errors.ts';
import { drawOperations, type Operation } from '../test/operations/operation.ts';
import { admin, messageOf, Scene } from '../test/operations/scene.ts';
import { settle } from '../test/operations/settle.ts';
import { statementOperations } from '../test/operations/statement-operations.ts';
import { strike } from '../test/operations/troubles.ts';
import { MovingCluster } from '../test/support/moving-cluster.ts';

const environment = {
  INFLUXDB_HINTED_HANDOFF_RETRY_MAX_INTERVAL: '2s',
  INFLUXDB_ANTI_ENTROPY_ENABLED: 'true',
  INFLUXDB_ANTI_ENTROPY_CHECK_INTERVAL: '15s',
  INFLUXDB_RETENTION_CHECK_INTERVAL: '5s',
};
const throughputs = ['30k', '60k', '120k'];
const smallDiskMiB = 256;
/** An operation that goes on so long behind the last trouble waits for good. */
const patienceMs = 300_000;
const withinMs = 15_000;
const resultMax = 300;

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    seed: { type: 'string', default: '1' },
    users: { type: 'boolean', default: false },
    only: { type: 'string', default: '' },
    troubles: { type: 'string', default: '4' },
    'port-offset': { type: 'string', default: '17000' },
  },
});
const all = [...moveOperations, ...metaOperations, ...backupOperations, ...statementOperations];
const wanted = values.only.split(',').filter((name) => name !== '');
const operations = all.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
if (operations.length === 0)
  throw new Error(`--only is some of ${all.map(({ name }) => name).join()}`);

const random = Prng.fromSeed(Number(values.seed));
const offset = Number(values['port-offset']);
const dir = mkdtempSync(join(tmpdir(), 'varve-operations-'));
const moving = new MovingCluster({ offset, dataCount: 3, passiveCount: 1, dayCount, dir });
const scene = new Scene({ moving, offset, random, hasUsers: values.users });
const disks = ['data-3', 'meta-3'].flatMap(
  (name) => SmallDisk.mount(dir, name, smallDiskMiB) ?? [],
);

for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.once(signal, () => {
    // Nodes that were started by hand, and small disks, would stay.
    void end(false).then(() => process.exit(1));
  });
try {
  process.exitCode = await run();
} finally {
  await end(process.exitCode !== 0);
}

async function end(keepsFolder: boolean): Promise<void> {
  for (const helper of scene.helpers) helper.kill('SIGKILL');
  for (const disk of disks.splice(0)) disk.unmount({ keepsFiles: keepsFolder });
  await scene.cluster.stop({ keepsFolder });
  if (keepsFolder) scene.print(`what the nodes had is in ${dir}`);
}

async function run(): Promise<number> {
  const throughput = scene.pick(throughputs);
  await moving.start({ ...environment, INFLUXDB_CLUSTER_SHARD_COPY_THROUGHPUT: throughput });
  if (values.users) await askForLogins();
  const load = new Load(scene);
  await load.fill(20, 1_000);
  scene.print(`seed ${values.seed}, copies at ${throughput}/s`);
  for (let round = 1; round <= Number(values.rounds); round++) {
    scene.print(`round ${round}`);
    load.begin();
    await play();
    await load.end();
    await settle(scene);
  }
  for (const [text, count] of [...scene.refusals].sort(([, a], [, b]) => b - a)) scene.print(`${count} times ${text}`); // prettier-ignore
  const acknowledged = scene.ledger.points.filter((point) => point.acknowledgedAt !== undefined);
  const deleted = acknowledged.filter((point) => point.deletedAt !== undefined);
  scene.print(`${acknowledged.length} points acknowledged, ${deleted.length} deleted, ${load.answerCount} answers, ${scene.faults.length} faults`); // prettier-ignore
  for (const [text, count] of loggedErrors(dir)) scene.print(`${count} times in logs: ${text}`);
  for (const fault of scene.faults) scene.print(`FAULT ${fault}`);
  return scene.faults.length === 0 ? 0 : 1;
}

/** Operations and troubles together, each from a moment of its own. */
async function play(): Promise<void> {
  const drawn = drawOperations(scene, operations, 2 + scene.below(7));
  const troubleCount = Math.min(Number(values.troubles), 1 + scene.below(4));
  const striking = Array.from({ length: troubleCount }, async () => {
    await scene.pause(0, withinMs);
    await strike(scene, disks).catch((error: unknown) => {
      scene.fault(`a trouble failed: ${messageOf(error)}`);
    });
  });
  const running = drawn.map((operation) => perform(operation));
  await Promise.all(striking);
  await Promise.all(running.map((one) => one.calm()));
}

/** Refusals of nodes in trouble are no faults, nor are those of one operation by what another does. */
function perform(operation: Operation): { calm(): Promise<void> } {
  const ended = (async () => {
    await scene.pause(0, withinMs);
    scene.print(`  ${operation.name} begins`);
    const said = await operation
      .run(scene)
      .catch((error: unknown) => `refused: ${messageOf(error)}`);
    scene.print(`  ${operation.name}: ${said.replaceAll('\n', ' ').slice(0, resultMax)}`);
  })();
  const calm = async (): Promise<void> => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(() => {
        scene.fault(`${operation.name} goes on ${patienceMs} ms behind all troubles`);
        resolve();
      }, patienceMs);
    });
    await Promise.race([ended, late]);
    clearTimeout(timer);
  };
  return { calm };
}

/** From now on: the launcher asks nodes before there is a user. */
async function askForLogins(): Promise<void> {
  const said = await moving.cluster.query(1, `CREATE USER ${admin.name} WITH PASSWORD '${admin.password}' WITH ALL PRIVILEGES`); // prettier-ignore
  if (said.includes('error')) throw new Error(said);
  moving.cluster.setEnvironment({ INFLUXDB_HTTP_AUTH_ENABLED: 'true' });
  for (const node of moving.nodes) await scene.restart(`data-${node}`);
}
