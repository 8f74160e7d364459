/** Operations that take shards from node to node: copies and their ends, plans, truncations, repairs. */
import { eventually } from '../support/dev-cluster.ts';
import type { Operation } from './operation.ts';
import { messageOf, ownerNumbers, type Scene, type ShownShard } from './scene.ts';

const patienceMs = 120_000;

/** A shard, an owner of it, and a node that is none. Undefined where there is no such. */
async function toCopy(
  scene: Scene,
): Promise<{ readonly shard: ShownShard; readonly from: number; readonly to: number } | undefined> {
  // prettier-ignore
  const shards = (await scene.shards()).filter(({ owners }) => owners.length > 0 && owners.length < ownerNumbers.length); // prettier-ignore
  if (shards.length === 0) return undefined;
  const shard = scene.pick(shards);
  const others = ownerNumbers.filter((node) => !shard.owners.includes(node));
  return { shard, from: scene.pick(shard.owners), to: scene.pick(others) };
}

/** Left to its end, killed, or left by the program that asked for it. */
async function copy(scene: Scene): Promise<string> {
  const found = await toCopy(scene);
  if (found === undefined) return 'there is no shard to copy';
  const { shard, from, to } = found;
  const named = [scene.address(from), scene.address(to), `${shard.id}`];
  const what = `shard ${shard.id} from data-${from} to data-${to}`;
  const end = scene.below(4);
  const copying = scene.ctl(['copy-shard', ...named], end === 1 ? 500 + scene.below(6_000) : undefined); // prettier-ignore
  if (end === 2) {
    await scene.pause(200, 6_000);
    const { text } = await scene.ctl(['kill-copy-shard', ...named]);
    return `${what}, killed: ${text.trim()} | ${(await copying).text.trim()}`;
  }
  const { code, text } = await copying;
  if (code === 0) {
    const after = (await scene.shards()).find(({ id }) => id === shard.id);
    // Another operation may have taken it away again.
    if (after !== undefined && !after.owners.includes(to)) scene.print(`  ${what} is copied, and owned by ${after.owners.join()}`); // prettier-ignore
  }
  return `${what}: ${code === null ? 'left' : text.trim()}`;
}

async function plan(scene: Scene): Promise<string> {
  const [one, other] = [scene.pick(ownerNumbers), scene.pick(ownerNumbers)];
  const ways = [
    ['rebalance', 'run'],
    ['decommission', '-keep', scene.address(one)],
    ['decommission', '-keep', scene.address(other)],
    ['replace-data', '-keep', scene.address(one), scene.address(other)],
    ['rebalance', 'plan'],
  ];
  const args = scene.pick(ways);
  const { text } = await scene.ctl(args);
  const said = [`${args.join(' ')}: ${text.trim().split('\n').at(-1)}`];
  const ends = [['stop'], ['pause', 'resume'], ['status'], ['pause', 'stop', 'run'], []];
  for (const action of scene.pick(ends)) {
    await scene.pause(500, 6_000);
    const ran = await scene.ctl(['rebalance', action]);
    said.push(`${action}: ${ran.text.trim().split('\n').at(-1)}`);
  }
  return said.join(' | ');
}

/** The node leaves the cluster once its shards are elsewhere. What comes behind a round adds it again. */
async function decommission(scene: Scene): Promise<string> {
  const node = scene.pick(ownerNumbers);
  const { text } = await scene.ctl(['decommission', scene.address(node)]);
  return `data-${node}: ${text.trim().split('\n').at(-1)}`;
}

async function truncate(scene: Scene): Promise<string> {
  const delay = scene.pick(['1ms', '500ms', '5s']);
  const { text } = await scene.ctl(['truncate-shards', '-delay', delay]);
  return `${delay}: ${text.trim()}`;
}

async function repair(scene: Scene): Promise<string> {
  const { id } = scene.pick(await scene.shards());
  const { text } = await scene.ctl(['entropy', 'repair', `${id}`]);
  if (scene.below(3) > 0) return text.trim();
  await scene.pause(100, 3_000);
  return `${text.trim()} | ${(await scene.ctl(['entropy', 'kill-repair', `${id}`])).text.trim()}`;
}

/** An owner is taken away from a shard that has another. */
async function removeShard(scene: Scene): Promise<string> {
  const shards = (await scene.shards()).filter(({ owners }) => owners.length > 1);
  if (shards.length === 0) return 'no shard has two owners';
  const { id, owners } = scene.pick(shards);
  const node = scene.pick(owners);
  scene.lose(node);
  const { text } = await scene.ctl(['remove-shard', scene.address(node), `${id}`]);
  scene.lose(node);
  return `${id} of data-${node}: ${text.trim()}`;
}

/** A node on an empty disk is attached again. */
async function wipe(scene: Scene): Promise<string> {
  const node = scene.pick(ownerNumbers);
  const name = `data-${node}`;
  const address = scene.address(node);
  scene.lose(node);
  await scene.withNode(name, async () => {
    scene.print(`  the disk of ${name} is wiped`);
    await scene.end(name);
    scene.wipe(name);
    await scene.restart(name);
  });
  const args = scene.pick([['update-data', address, address], ['add-data', address]]); // prettier-ignore
  await attached(scene, args);
  scene.lose(node);
  return `${name}: ${args[0]}`;
}

/** A node erases what it has, and is added anew. */
async function removeData(scene: Scene): Promise<string> {
  const node = scene.pick(ownerNumbers);
  const address = scene.address(node);
  scene.lose(node);
  const { code, text } = await scene.ctl(['remove-data', address]);
  scene.lose(node);
  await scene.pause(0, 3_000);
  if (code === 0) await attached(scene, ['add-data', address]);
  return `data-${node}: ${text.trim()}`;
}

async function attached(scene: Scene, args: readonly string[]): Promise<void> {
  try {
    await eventually(async () => {
      const { code, text } = await scene.ctl(args);
      if (code !== 0 && !text.includes('already')) throw new Error(text.trim());
    }, patienceMs);
  } catch (error) {
    scene.fault(`${args.join(' ')} fails for ${patienceMs} ms: ${messageOf(error)}`);
  }
}

export const moveOperations: readonly Operation[] = [
  { name: 'copy', weight: 5, run: copy },
  { name: 'plan', weight: 4, run: plan },
  { name: 'truncate', weight: 1, run: truncate },
  { name: 'repair', weight: 1, run: repair },
  { name: 'decommission', weight: 1, group: 'members', run: decommission },
  { name: 'remove-shard', weight: 1, group: 'members', run: removeShard },
  { name: 'wipe', weight: 2, group: 'members', run: wipe },
  { name: 'remove-data', weight: 1, group: 'members', run: removeData },
];
