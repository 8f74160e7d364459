/** Files of every kind, cut and with bits turned over: a tool ends with 0 or 1, says which file it is, and never throws. */
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { inspect } from '../../../test/support/inspect-run.ts';
import { batchOf, kept, openStore } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';

const recorded = join(import.meta.dirname, '../../../test/golden/testdata/influx-folders/1.12.4');
const shard = 'data/old/autogen/1';
const tsm = `${shard}/000000001-000000001.tsm`;
const tombstone = tsm.replace('.tsm', '.tombstone');
const segment = 'wal/old/autogen/1/_00002.wal';

/** Each cut, and each byte with one bit turned over. */
function* damaged(good: Uint8Array, step = 1): Generator<readonly [string, Uint8Array]> {
  for (let end = 0; end < good.length; end += step) yield [`cut at ${end}`, good.slice(0, end)];
  for (let at = 0; at < good.length; at += step) {
    const bad = good.slice();
    bad[at] = (bad[at] ?? 0) ^ (1 << (at % 8));
    yield [`a bit of ${at}`, bad];
  }
}

interface Folder {
  readonly disk: NodeDisk;
  readonly clock: NodeClock;
  /** Paths are below it. */
  readonly root: string;
}

/** With the recorded files of one shard, its log and its tombstones. */
async function inFolder(body: (folder: Folder) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'varve-damage-'));
  try {
    for (const path of [tsm, tombstone, segment]) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      copyFileSync(join(recorded, path), join(root, path));
    }
    await body({ disk: new NodeDisk(), clock: new NodeClock(), root });
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** Every command that reads the file, over every damage of it; what must be said of a failure is the file. */
async function holds(
  folder: Folder,
  { path, step = 1 }: { readonly path: string; readonly step?: number },
  commands: readonly (readonly string[])[],
): Promise<void> {
  const file = join(folder.root, path);
  const good = new Uint8Array(readFileSync(file));
  for (const [what, bytes] of damaged(good, step)) {
    writeFileSync(file, bytes);
    for (const args of commands) {
      const { code, out, err } = await inspect(folder, args);
      expect([0, 1], `${args.join(' ')}: ${what}`).toContain(code);
      if (code === 1) expect(`${out}${err}`, `${args.join(' ')}: ${what}`).toContain(basename(path)); // prettier-ignore
    }
  }
  writeFileSync(file, good);
}

/** The command lines on the data of a folder. */
function commandsIn({ root }: Folder): Readonly<Record<string, readonly string[]>> {
  const at = (path: string): string => join(root, path);
  return {
    verify: ['verify', '-dir', at('data')],
    dump: ['dumptsm', '-all', at(tsm)],
    report: ['report', '-detailed', at(shard)],
    disk: ['report-disk', '-detailed', at('data')],
    export: ['export', '-datadir', at('data'), '-waldir', at('wal'), '-out', '-'],
    tombstones: ['verify-tombstone', '-vv', '-path', at('data')],
    log: ['dumptsmwal', at(segment)],
  };
}

function some(folder: Folder, ...names: readonly string[]): readonly (readonly string[])[] {
  return names.map((name) => commandsIn(folder)[name] ?? []);
}

test('influx_inspect: TSM files that are cut or damaged', async () => {
  await inFolder(async (folder) => {
    const commands = some(folder, 'verify', 'dump', 'report', 'disk', 'export');
    await holds(folder, { path: tsm, step: 7 }, commands);
  });
});

test('influx_inspect: tombstones that are cut or damaged', async () => {
  await inFolder(async (folder) => {
    await holds(folder, { path: tombstone }, some(folder, 'tombstones', 'verify', 'export'));
  });
});

test('influx_inspect: logs of a real server that are cut or damaged', async () => {
  await inFolder(async (folder) => {
    await holds(folder, { path: segment }, some(folder, 'log', 'export'));
  });
});

/** A segment that a store has written. */
async function ownSegment(): Promise<{ readonly name: string; readonly bytes: Uint8Array }> {
  const world = new World(1);
  const { disk, clock } = world.addNode('a').env;
  const work = async () => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf('m,h=a v=1.5 10\nm,h=b s="x" 30'));
    await store.write(kept, batchOf('m,h=a v=2.5 11'));
    await store.close();
    const name = (await disk.list('wal'))[0]?.name ?? '';
    return { name, bytes: await disk.readFile(`wal/${name}`) };
  };
  return world.complete(work());
}

test('influx_inspect: logs of ours that are cut or damaged', async () => {
  const { name, bytes } = await ownSegment();
  await inFolder(async (folder) => {
    const path = `wal/${name}`;
    writeFileSync(join(folder.root, path), bytes);
    // Of a shard that is there.
    mkdirSync(join(folder.root, 'data/db/autogen/7'), { recursive: true });
    const dump = ['dumptsmwal', join(folder.root, path)];
    await holds(folder, { path, step: 3 }, [dump, ...some(folder, 'export')]);
  });
});

test('influx_inspect: lengths that nobody can mean take no memory', async () => {
  await inFolder(async (folder) => {
    const huge = Buffer.from([0xff, 0xff, 0xff, 0xff]);
    const put = (path: string, ...parts: readonly Uint8Array[]): void => {
      writeFileSync(join(folder.root, path), Buffer.concat(parts));
    };
    const { log = [], tombstones = [] } = commandsIn(folder);
    // An entry of 4 GiB; and one whose packed text says to be as much.
    put(segment, Buffer.from([1]), huge, Buffer.alloc(64));
    expect((await inspect(folder, log)).err).toContain('beyond');
    put(segment, Buffer.from([1, 0, 0, 0, 7]), huge, Buffer.from([0x0f, 0, 65]));
    expect((await inspect(folder, log)).err).toContain('it says to be 4294967295 bytes');
    // A key of 4 GiB in a tombstone, and a member of 10 KB that unpacks to 20 MB.
    put(tombstone, Buffer.from([0, 0, 0x15, 2]), huge);
    expect((await inspect(folder, tombstones)).out).toContain('is beyond 65535');
    put(tombstone, Buffer.from([0, 0, 0x15, 4]), gzipSync(Buffer.alloc(20_000_000)));
    expect((await inspect(folder, tombstones.toSpliced(1, 1))).out).toContain(
      'Verified 1000000 entries',
    );
  });
});
