/**
 * Behind a round: all nodes are up and members, plans and copies come to their ends by themselves, and each owner, asked alone, has all that was acknowledged
 * and nothing that was deleted. What is not so in time is a fault.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/dev-cluster.ts';
import { judgeOwners, type Judged } from './judge.ts';
import { valuesHeld } from './load.ts';
import { added } from './meta-operations.ts';
import { messageOf, metaNumbers, ownerNumbers, passiveNumber, type Scene } from './scene.ts';

const replication = 2;
const endMsMax = 240_000;
const drainMsMax = 45_000;
const repairMsMax = 240_000;
const promiseMsMax = 90_000;

export async function settle(scene: Scene): Promise<void> {
  await upAgain(scene);
  await step(scene, 'the plan ends', planEnded, endMsMax);
  await step(scene, 'copies end', copiesEnded, endMsMax);
  await step(scene, 'all are members', members, endMsMax);
  await step(scene, 'each shard has two owners', replicated, endMsMax);
  await judge(scene);
  await step(scene, 'what was written over and over is equal', registered, promiseMsMax);
  for (const { text, check } of scene.promises.splice(0))
    await step(scene, text, check, promiseMsMax);
  await step(scene, 'no shard has more owners', trimmed, endMsMax);
  for (const undo of scene.leftovers.splice(0)) await undo().catch(() => undefined);
  await step(scene, 'nodes keep what is their own, and nothing else', tidied, promiseMsMax);
  scene.ledger.settle();
  scene.hasLost = false;
  scene.print(`  ${scene.moving.nodes.map((node) => costOf(scene, `data-${node}`)).join(', ')}`);
}

async function step(
  scene: Scene,
  text: string,
  check: (scene: Scene) => Promise<void>,
  limitMs: number,
): Promise<void> {
  // prettier-ignore
  try {
    const tookMs = await eventually(() => check(scene), limitMs);
    if (tookMs > limitMs / 4) scene.print(`  ${text}: after ${Math.round(tookMs / 1_000)} s`);
  } catch (error) {
    scene.fault(`not within ${limitMs} ms: ${text}: ${messageOf(error)}`);
  }
}

async function upAgain(scene: Scene): Promise<void> {
  const names = [...metaNumbers.map((n) => `meta-${n}`), ...scene.moving.nodes.map((n) => `data-${n}`)]; // prettier-ignore
  for (const name of names) {
    if (!scene.isUp(name)) {
      scene.fault(`${name} has ended by itself`);
      scene.cluster.startByHand(name);
    }
    await scene.up(name).catch((error: unknown) => {
      scene.fault(`${name} does not answer: ${messageOf(error)}`);
    });
  }
}

async function planEnded(scene: Scene): Promise<void> {
  const plan = (await scene.meta('/rebalance')) as { readonly state?: string } | null;
  const state = plan?.state ?? 'ended';
  if (state === 'paused') await scene.ctl(['rebalance', 'resume']);
  if (state !== 'ended' && state !== 'stopped' && state !== 'none') throw new Error(JSON.stringify(plan)); // prettier-ignore
}

async function copiesEnded(scene: Scene): Promise<void> {
  const copies = (await scene.meta('/copy-shard-status')) as readonly unknown[];
  if (copies.length > 0) throw new Error(JSON.stringify(copies));
}

async function members(scene: Scene): Promise<void> {
  const metas = await scene.metaMembers();
  for (const node of metaNumbers) if (!metas.includes(node)) await added(scene, node);
  const ids = await scene.dataIds();
  for (const node of scene.moving.nodes) {
    if (ids.has(node)) continue;
    const passive = node === passiveNumber ? ['-p'] : [];
    const { code, text } = await scene.ctl(['add-data', ...passive, scene.address(node)]);
    if (code !== 0) throw new Error(text);
  }
}

async function replicated(scene: Scene): Promise<void> {
  for (const { id, owners } of await scene.shards()) {
    const [from] = owners;
    if (from === undefined) throw new Error(`nobody owns shard ${id}`);
    if (owners.length >= replication) continue;
    const to = scene.pick(ownerNumbers.filter((node) => !owners.includes(node)));
    const { code, text } = await scene.ctl(['copy-shard', scene.address(from), scene.address(to), `${id}`]); // prettier-ignore
    if (code !== 0) throw new Error(text);
  }
}

async function trimmed(scene: Scene): Promise<void> {
  for (const { id, owners } of await scene.shards()) {
    if (owners.length <= replication) continue;
    const node = scene.pick(owners);
    const { code, text } = await scene.ctl(['remove-shard', scene.address(node), `${id}`]);
    if (code !== 0) throw new Error(text);
  }
}

/** By themselves, where no disk was lost; and then by a repair. */
async function judge(scene: Scene): Promise<void> {
  let last: Judged = { losses: [], lacks: ['not looked at'], shardIds: new Set() };
  const look = async (): Promise<void> => {
    last = judgeOwners(scene.ledger, (await scene.shards()).filter(({ policy }) => policy === 'autogen'), await heldByAll(scene)); // prettier-ignore
    const all = [...last.losses, ...last.lacks];
    if (all.length > 0) throw new Error(all.join('; '));
  };
  await eventually(look, drainMsMax).catch((error: unknown) => {
    scene.print(`  before repairs: ${messageOf(error)}`);
    if (!scene.hasLost && last.lacks.some((text) => /^owners lack.*\((quorum|all) /.test(text))) scene.print('  POINTS OF ALL OWNERS LACK'); // prettier-ignore
  });
  const repaired = async (): Promise<void> => {
    for (const id of last.shardIds) await scene.ctl(['entropy', 'repair', `${id}`]);
    await scene.pause(1_000);
    await look();
  };
  if (last.losses.length + last.lacks.length > 0)
    await eventually(repaired, repairMsMax).catch((error: unknown) => {
      // prettier-ignore
      scene.fault(`after repairs: ${messageOf(error)}`);
    });
  await scene.moving.repairAll().catch((error: unknown) => {
    scene.fault(`owners differ after repairs: ${messageOf(error)}`);
  });
}

async function heldByAll(scene: Scene): Promise<ReadonlyMap<number, ReadonlySet<number>>> {
  const ids = await scene.dataIds();
  const held = new Map<number, ReadonlySet<number>>();
  for (const [node, nodeId] of ids)
    held.set(node, new Set(await valuesHeld(scene, node, { nodeId })));
  return held;
}

async function registered(scene: Scene): Promise<void> {
  const known = new Map<string, string[]>();
  for (const [node, nodeId] of await scene.dataIds())
    for (const { tags, values } of await scene.rows(node, 'SELECT v FROM r GROUP BY k', { nodeId }))
      known.set(tags?.['k'] ?? '', [
        ...(known.get(tags?.['k'] ?? '') ?? []),
        String(values[0]?.[1]),
      ]);
  for (const [key, values] of known)
    if (values.length < replication || values.some((value) => value !== values[0])) throw new Error(`${key} is ${values.join(' and ')}`); // prettier-ignore
}

/** Folders of shards. */
async function tidied(scene: Scene): Promise<void> {
  const [named] = await scene.rows(passiveNumber, 'SHOW DATABASES');
  const databases = (named?.values ?? []).map(([name]) => String(name));
  const owners = new Map<string, readonly number[]>();
  for (const name of databases)
    for (const { id, policy, owners: nodes } of await scene.shards(name)) owners.set(`${name}/${policy}/${id}`, nodes); // prettier-ignore
  const wrong: string[] = [];
  for (const node of scene.moving.nodes)
    for (const path of foldersOf(join(scene.cluster.dir, `data-${node}/data`))) {
      // Where a program that restores was killed, what it was sending ends by itself, minutes later.
      const isShard = path.split('/').length === 3 && !path.includes('.staging-');
      if (isShard && owners.get(path)?.includes(node) !== true)
        wrong.push(`data-${node} keeps ${path}`);
    }
  if (wrong.length > 0) throw new Error(wrong.join('; '));
}

/** Of databases, policies and shards. */
function foldersOf(folder: string): readonly string[] {
  const found: string[] = [];
  const walk = (path: string, depth: number): void => {
    let entries: ReturnType<typeof namesIn>;
    try {
      entries = namesIn(join(folder, path));
    } catch {
      // It has gone meanwhile, or never was.
      return;
    }
    for (const name of entries) {
      const below = path === '' ? name : `${path}/${name}`;
      if (depth > 0 || !name.startsWith('_')) found.push(below);
      if (depth < 2) walk(below, depth + 1);
    }
  };
  walk('', 0);
  return found;
}

function namesIn(path: string): readonly string[] {
  return readdirSync(path, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name); // prettier-ignore
}

function costOf(scene: Scene, name: string): string {
  const pid = scene.cluster.pid(name);
  try {
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return `${name} ${descriptors} descriptors, ${Math.round(Number(kib) / 1_024)} MiB`;
  } catch {
    return `${name} has ended`;
  }
}
