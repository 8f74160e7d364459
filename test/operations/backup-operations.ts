/** A backup is taken, is sound by itself, and gives what was acknowledged before it began as a new database. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/dev-cluster.ts';
import { valuesHeld } from './load.ts';
import type { Operation } from './operation.ts';
import { database, messageOf, type Scene } from './scene.ts';

const patienceMs = 180_000;
const places = 2;

async function backup(scene: Scene): Promise<string> {
  const place = `backup-${scene.below(places)}`;
  return scene.withNode(place, async () => {
    const folder = join(scene.cluster.dir, place);
    mkdirSync(folder, { recursive: true });
    const askedAt = scene.ledger.tick();
    const strategy = scene.pick(['full', 'incremental', 'incremental']);
    const leaveMs = scene.below(5) === 0 ? 300 + scene.below(8_000) : undefined;
    const { code, text } = await scene.ctl(['backup', '-strategy', strategy, folder], leaveMs);
    if (code !== 0) return `${strategy} to ${place}: ${code === null ? 'left' : text.trim()}`;
    const verified = await scene.ctl(['backup', 'verify', folder]);
    if (verified.code !== 0) scene.fault(`a backup that ended well is not sound: ${verified.text}`);
    return `${strategy} to ${place}, ${await restore(scene, folder, askedAt)}`;
  });
}

/** As often as it takes: one that was broken off goes on where it was. */
async function restore(scene: Scene, folder: string, askedAt: number): Promise<string> {
  const db = scene.name('restored');
  let times = 0;
  try {
    await eventually(async () => {
      times++;
      const leaveMs = times === 1 && scene.below(4) === 0 ? 300 + scene.below(5_000) : undefined;
      const { code, text } = await scene.ctl(['restore', '-db', database, '-newdb', db, folder], leaveMs); // prettier-ignore
      if (code !== 0) throw new Error(text.trim());
    }, patienceMs);
  } catch (error) {
    scene.fault(`restore into ${db} fails for ${patienceMs} ms, ${times} times: ${messageOf(error)}`); // prettier-ignore
    return 'not restored';
  }
  scene.promises.push({ text: `${db} is what was backed up`, check: () => check(scene, db, askedAt) }); // prettier-ignore
  scene.leftovers.push(() => scene.says(scene.pick(scene.moving.nodes), `DROP DATABASE ${db}`));
  return `restored into ${db} at the ${times}. time`;
}

/** By each node. */
async function check(scene: Scene, db: string, askedAt: number): Promise<void> {
  for (const node of scene.moving.nodes) {
    const fault = scene.ledger.faultOf(await valuesHeld(scene, node, { db }), askedAt);
    if (fault !== '') throw new Error(`data-${node}: ${fault}`);
  }
}

export const backupOperations: readonly Operation[] = [{ name: 'backup', weight: 2, run: backup }];
