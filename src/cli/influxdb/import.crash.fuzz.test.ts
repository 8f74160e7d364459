/** An import that is cut off anywhere, and run again, gives what one gives that was not. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { finished } from '../../../test/support/finished.ts';
import { FailingDisk } from '../../../test/support/failing-disk.ts';
import { openStore } from '../../../test/support/store-script.ts';
import { World, type SimNode } from '../../../test/sim/world/world.ts';
import { isDbError } from '../../base/errors.ts';
import type { Disk } from '../../env/disk.ts';
import { makeDurableDir } from '../../env/make-durable-dir.ts';
import { refuseUnfinishedImport } from '../../services/import-hand-over.ts';
import { importInflux } from './import-command.ts';

const recorded = join(import.meta.dirname, '../../../test/golden/testdata/influx-folders/1.12.4');
const folders = { data: 'data', wal: 'wal', meta: 'meta' };

async function copySource(disk: Disk): Promise<void> {
  await makeDurableDir(disk, 'source');
  for (const name of readdirSync(recorded, { recursive: true }) as string[]) {
    const from = join(recorded, name);
    if (statSync(from).isDirectory()) await makeDurableDir(disk, `source/${name}`);
    else await disk.replaceFile(`source/${name}`, readFileSync(from));
  }
}

function run(disk: Disk): Promise<void> {
  const flags = { text: (flag: string) => (flag === 'from' ? 'source' : ''), has: () => false };
  return importInflux({ disk, out: () => undefined }, folders, flags);
}

/** Every file under a folder with its bytes. */
async function contents(disk: Disk, folder: string): Promise<readonly string[]> {
  const found: string[] = [];
  for (const { name, isDirectory } of await disk.list(folder)) {
    const path = `${folder}/${name}`;
    if (isDirectory) found.push(...(await contents(disk, path)));
    else if (name !== '.lock')
      found.push(`${path} ${Buffer.from(await disk.readFile(path)).toString('base64')}`);
  }
  return found;
}

async function all(disk: Disk): Promise<readonly string[]> {
  const found = [await contents(disk, 'data'), await contents(disk, 'wal'), await contents(disk, 'meta'), await contents(disk, 'source')]; // prettier-ignore
  return found.flat();
}

async function whole(): Promise<readonly string[]> {
  const world = new World(1);
  const { disk } = world.addNode('a').env;
  return world.complete(copySource(disk).then(() => run(disk)).then(() => all(disk))); // prettier-ignore
}

/** A node does not start on a part; run again, the import is whole, and nothing of its source has changed. */
async function check(world: World, node: SimNode, wanted: readonly string[]): Promise<void> {
  const { disk, clock } = node.env;
  await world.complete(
    (async () => {
      const refusal = await refuseUnfinishedImport(disk, 'meta').catch((error: unknown) => error);
      const isThere = (await contents(disk, 'data')).length > 0;
      const state = await disk.size('meta/import');
      if (refusal === undefined && isThere) expect(state).toBeDefined();
      await run(disk);
      expect(await all(disk)).toEqual(wanted);
      await refuseUnfinishedImport(disk, 'meta');
      const store = await openStore(disk, clock);
      expect(finished(store.view(1)?.seriesIds('cpu'))?.length).toBe(4);
      await store.close();
    })(),
  );
}

test('import: power lost after any call of the disk', async () => {
  const wanted = await whole();
  for (let n = 1; ; n++) {
    const world = new World(n);
    const node = world.addNode('a', { zeroTailRate: 0.3 });
    await world.complete(copySource(node.env.disk));
    const end = { isOver: false };
    node.drive.afterCalls(n, () => {
      node.crash();
    });
    world.spawn(node, async ({ disk }) => {
      await run(disk);
      end.isOver = true;
    });
    await world.run(world.nowMs + 5_000);
    if (node.isAlive) node.crash();
    node.restart();
    await check(world, node, wanted).catch((error: unknown) => {
      throw new Error(`call ${n}`, { cause: error });
    });
    if (end.isOver) return;
    expect(n).toBeLessThan(2_000);
  }
});

test.each(['io_error', 'disk_full'] as const)(
  'import: any call of the disk fails: %s',
  async (code) => {
    const wanted = await whole();
    for (let n = 1; ; n++) {
      const world = new World(n);
      const node = world.addNode('a');
      await world.complete(copySource(node.env.disk));
      const disk = new FailingDisk(node.env.disk, { failAt: n, code });
      const ran = run(disk).catch((error: unknown) => {
        expect(isDbError(error, code), String(error)).toBe(true);
      });
      await world.complete(ran);
      await check(world, node, wanted).catch((error: unknown) => {
        throw new Error(`call ${n}`, { cause: error });
      });
      if (!disk.hasFailed) return;
      expect(n).toBeLessThan(2_000);
    }
  },
);
