/** What befalls nodes while operations are under way: each from its beginning until the node is well again. */
import { readdirSync } from 'node:fs';
import type { SmallDisk } from '../nemesis/faults.ts';
import { metaNumbers, type Scene } from './scene.ts';

const stopMsMin = 3_000;
const stopMsMax = 20_000;
const faultMsMin = 3_000;
const faultMsMax = 12_000;
/** So many descriptors more than a node has, no more. */
const sparesMax = 12;
const descriptorCount = 20_000;

interface Trouble {
  readonly name: string;
  strike(scene: Scene, node: string): Promise<void>;
}

/** Ways of calls to the system to fail or to be slow; after one of `disk` the node is started anew, as a log that failed refuses writes until then. */
const injections: readonly {
  readonly name: string;
  readonly rule: string;
  readonly isDisk: boolean;
}[] = [
  // prettier-ignore
  { name: 'syncs fail', rule: 'fsync,fdatasync:error=EIO:when=2+5', isDisk: true },
  { name: 'all syncs fail', rule: 'fsync,fdatasync:error=EIO', isDisk: true },
  { name: 'files are not opened', rule: 'openat:error=EIO:when=3+4', isDisk: true },
  { name: 'files are not renamed or removed', rule: 'rename,renameat,renameat2,unlink,unlinkat:error=EIO:when=1+2', isDisk: true }, // prettier-ignore
  { name: 'writes at places fail', rule: 'pwrite64,pwritev,ftruncate,fallocate:error=ENOSPC:when=2+4', isDisk: true }, // prettier-ignore
  { name: 'reads at places fail', rule: 'pread64,preadv:error=EIO:when=2+4', isDisk: true },
  { name: 'syncs are slow', rule: 'fsync,fdatasync:delay_enter=400000', isDisk: false },
  { name: 'files are opened slowly', rule: 'openat,pread64:delay_enter=50000', isDisk: false },
  { name: 'connections are refused', rule: 'connect:error=ECONNREFUSED:when=1+2', isDisk: false },
  { name: 'connections are not taken', rule: 'accept4:error=EMFILE:when=1+3', isDisk: false },
  { name: 'connections time out', rule: 'connect:error=ETIMEDOUT', isDisk: false },
];

export const troubles: readonly Trouble[] = [
  {
    name: 'kill',
    async strike(scene: Scene, node: string): Promise<void> {
      await scene.end(node);
      await scene.pause(0, 5_000);
      await scene.restart(node);
    },
  },
  {
    name: 'kill during the start',
    async strike(scene: Scene, node: string): Promise<void> {
      await scene.end(node);
      for (let i = 0; i < 3; i++) {
        scene.cluster.startByHand(node);
        await scene.pause(200, 2_500);
        await scene.end(node);
      }
      await scene.restart(node);
    },
  },
  {
    name: 'stop',
    async strike(scene: Scene, node: string): Promise<void> {
      await scene.end(node, 'SIGTERM').catch((error: unknown) => {
        scene.fault(String(error));
      });
      await scene.pause(0, 4_000);
      await scene.restart(node);
    },
  },
  {
    name: 'stand still',
    async strike(scene: Scene, node: string): Promise<void> {
      const pid = scene.cluster.pid(node);
      process.kill(pid, 'SIGSTOP');
      await scene.pause(stopMsMin, stopMsMax);
      process.kill(pid, 'SIGCONT');
    },
  },
  { name: 'few descriptors', strike: starve },
  { name: 'failing calls', strike: inject },
  { name: 'failing calls', strike: inject },
];

/** One by chance, of any node; the disks are those that can be filled. */
export async function strike(scene: Scene, disks: readonly SmallDisk[]): Promise<string> {
  const disk = disks[scene.below(2 * troubles.length)];
  if (disk !== undefined) return scene.withNode(disk.node, () => fill(scene, disk));
  const trouble = scene.pick(troubles);
  const node = await nodeOf(scene);
  return scene.withNode(node, async () => {
    if (!scene.isUp(node)) return `${node} is not up: no ${trouble.name}`;
    scene.print(`  ${trouble.name} ${node}`);
    await trouble.strike(scene, node);
    return `${trouble.name} ${node}`;
  });
}

/** The leader of the metas as often as all others of them. */
async function nodeOf(scene: Scene): Promise<string> {
  if (scene.below(3) > 0) return `data-${scene.pick(scene.moving.nodes)}`;
  const leader = await scene.moving.metaLeader().catch(() => 1);
  return `meta-${scene.below(2) === 0 ? leader : scene.pick(metaNumbers)}`;
}

async function fill(scene: Scene, disk: SmallDisk): Promise<string> {
  scene.print(`  full disk ${disk.node}`);
  disk.fill();
  await scene.pause(faultMsMin, faultMsMax);
  disk.free();
  await scene.restart(disk.node);
  return `full disk ${disk.node}`;
}

/** The node may have as many descriptors as it has just now, and a few. */
async function starve(scene: Scene, node: string): Promise<void> {
  const pid = scene.cluster.pid(node);
  const held = readdirSync(`/proc/${pid}/fd`).length;
  const limit = `--nofile=${held + scene.below(sparesMax)}:`;
  scene.help('prlimit', ['--pid', `${pid}`, limit]);
  await scene.pause(faultMsMin, faultMsMax);
  scene.help('prlimit', ['--pid', `${pid}`, `--nofile=${descriptorCount}:`]);
  await scene.pause(500);
  if (!scene.isUp(node)) scene.fault(`${node} has ended for want of descriptors`);
  // What it could not write to its log it refuses until it starts anew.
  await scene.restart(node);
}

async function inject(scene: Scene, node: string): Promise<void> {
  const way = scene.pick(injections);
  scene.print(`  ${way.name} at ${node}`);
  const [calls = ''] = way.rule.split(':');
  const tracer = scene.help('strace', ['-f', '-q', '-p', `${scene.cluster.pid(node)}`, '-o', '/dev/null', '-e', `trace=${calls}`, '-e', `inject=${way.rule}`]); // prettier-ignore
  await scene.pause(faultMsMin, faultMsMax);
  await new Promise<void>((resolve) => {
    if (tracer.exitCode !== null || tracer.signalCode !== null) resolve();
    tracer.once('exit', resolve);
    tracer.kill('SIGTERM');
  });
  if (way.isDisk) {
    if (!scene.isUp(node)) scene.print(`  ${node} had ended`);
    await scene.restart(node);
  } else if (!scene.isUp(node)) {
    scene.fault(`${node} has ended as ${way.name}`);
    await scene.restart(node);
  }
}
