/** Operations on the meta nodes: one leaves and comes back, or has lost its disk. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/dev-cluster.ts';
import type { Operation } from './operation.ts';
import { messageOf, metaNumbers, type Scene } from './scene.ts';

const patienceMs = 120_000;
/** Two at once that are away are no quorum. */
const group = 'metas';

async function leave(scene: Scene): Promise<string> {
  const node = scene.pick(metaNumbers);
  const address = scene.metaAddress(node, 'http');
  const removed = await scene.ctl(['remove-meta', '-y', address]);
  await scene.pause(0, 5_000);
  await added(scene, node);
  return `meta-${node}: ${removed.text.trim()}`;
}

async function lose(scene: Scene): Promise<string> {
  const node = scene.pick(metaNumbers);
  const name = `meta-${node}`;
  const [http, raft] = [scene.metaAddress(node, 'http'), scene.metaAddress(node, 'raft')];
  return scene.withNode(name, async () => {
    scene.print(`  the disk of ${name} is wiped`);
    await scene.end(name);
    rmSync(join(scene.cluster.dir, name, 'meta'), { recursive: true, force: true });
    let said = '';
    await eventually(async () => {
      const { code, text } = await scene.ctl(['remove-meta', '-force', '-y', '-tcpAddr', raft, http]); // prettier-ignore
      said = text.trim();
      // It may have gone although the one that was asked did not live to say so.
      if (code !== 0 && !said.includes('not found') && !said.includes('is not a meta node')) throw new Error(said); // prettier-ignore
    }, patienceMs).catch((error: unknown) => {
      scene.fault(`remove-meta -force of ${name} fails for ${patienceMs} ms: ${messageOf(error)}`);
    });
    await scene.restart(name);
    await added(scene, node);
    return `${name}: ${said}`;
  });
}

export async function added(scene: Scene, node: number): Promise<void> {
  const args = ['add-meta', scene.metaAddress(node, 'http')];
  try {
    await eventually(async () => {
      const { code, text } = await scene.ctl(args);
      if (code !== 0) throw new Error(text.trim());
    }, patienceMs);
  } catch (error) {
    scene.fault(`${args.join(' ')} fails for ${patienceMs} ms: ${messageOf(error)}`);
  }
}

export const metaOperations: readonly Operation[] = [
  { name: 'remove-meta', weight: 1, group, run: leave },
  { name: 'meta on an empty disk', weight: 1, group, run: lose },
];
