import { expect, test } from 'vitest';
import { finished } from '../../../test/support/finished.ts';
import { inspect, type Inspected } from '../../../test/support/inspect-run.ts';
import { batchOf, doomed, kept, openStore, readField } from '../../../test/support/store-script.ts';
import { World } from '../../../test/sim/world/world.ts';
import { deleteFilters, filterOf } from '../../data/engine/delete-filters.ts';
import type { Env } from '../../env/env.ts';
import { makeStamp, stampBatch } from '../../models/stamp.ts';
import { readManifest, writeManifest } from '../../storage/store/shards/shard-manifest.ts';

const path = 'data/db/autogen/7/000000001-000000001.tsm';

/** A node's folders: two series in a file, others in the log alone, two points of it refused. */
async function withFolders(
  body: (run: (...args: readonly string[]) => Promise<Inspected>, env: Env) => Promise<void>,
): Promise<void> {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const store = await openStore(env.disk, env.clock);
    await store.write(kept, batchOf('m,h=a v=1.5 10\nm,h=a v=2e21 20\nm,h=b s="x \\"y\\"" 30'));
    await store.flush(kept.shardId);
    await store.write(kept, batchOf('m,h=c v=3 40\nm,h=d v=4i 41\nn,a\\ b=c\\=d f\\ g=t 42'));
    await store.write({ ...doomed, database: 'other' }, batchOf('o v=1i 5'));
    await store.close();
    await body((...args) => inspect({ ...env, workingFolder: '/w' }, args), env);
  };
  await world.complete(work(), 10_000_000);
}

test('influx_inspect: a folder of ours is healthy until a file of it is not what it was', async () => {
  await withFolders(async (run, { disk }) => {
    const healthy = await run('verify', '-dir', 'data');
    expect(healthy.out).toContain(`${path}: healthy\nBroken Blocks: 0 / 2, in `);
    expect(healthy.code).toBe(0);
    const bytes = await disk.readFile(path);
    // In the name of a key: no block is broken by it.
    const bad = Uint8Array.from(bytes, (byte, i) => (i === bytes.lastIndexOf(0x73) ? 0x74 : byte));
    await disk.replaceFile(path, bad);
    const damaged = await run('verify', '-dir', 'data');
    expect(damaged.code).toBe(1);
    expect(damaged.err).toBe(`verify: ${path}: the index is not what data/db/autogen/7/shard.json says it was\n`); // prettier-ignore
    await disk.remove(path);
    expect((await run('verify', '-dir', 'data')).err).toContain(`${path}: the file is gone`);
  });
});

test('influx_inspect: the export has what is in files and what is in the log alone, without what was refused', async () => {
  await withFolders(async (run) => {
    const { code, out } = await run('export', '-datadir', 'data', '-waldir', 'wal', '-out', '-');
    expect(code).toBe(0);
    expect(out).toBe(`# INFLUXDB EXPORT: 1677-09-21T00:12:43Z - 2262-04-11T23:47:16Z
# DDL
CREATE DATABASE db WITH NAME autogen
CREATE DATABASE other WITH NAME autogen
# DML
# CONTEXT-DATABASE:db
# CONTEXT-RETENTION-POLICY:autogen
# writing tsm data
m,h=a v=1.5 10
m,h=a v=2e+21 20
m,h=b s="x \\"y\\"" 30
# writing wal data
m,h=c v=3 40
n,a\\ b=c\\=d f\\ g=true 42
# CONTEXT-DATABASE:other
# CONTEXT-RETENTION-POLICY:autogen
# writing wal data
o v=1i 5
`);
    const some = ['-database', 'db', '-start', '1970-01-01T00:00:00.00000002Z', '-end', '1970-01-01T00:00:00.00000004Z']; // prettier-ignore
    const part = await run('export', '-datadir', 'data', '-waldir', 'wal', '-lponly', '-out', '-', ...some); // prettier-ignore
    expect(part.out).toBe('m,h=a v=2e+21 20\nm,h=b s="x \\"y\\"" 30\nm,h=c v=3 40\n');
  });
});

test('influx_inspect: what came late has lost to what was written later, and to deletes', async () => {
  const world = new World(1);
  const { env } = world.addNode('a');
  const work = async (): Promise<void> => {
    const filters = deleteFilters({ clock: env.clock, turn: () => Promise.resolve() });
    const store = await openStore(env.disk, env.clock);
    const write = (lines: string, ns: bigint) => {
      const batch = batchOf(lines);
      stampBatch(batch, makeStamp(ns, 1, 1));
      return store.write(kept, batch);
    };
    await write('gone v=0 1\nm v=1 1', 1n);
    const filter = filterOf([{ name: 'gone', predicate: undefined }]);
    const said = { stamp: makeStamp(5n, 1, 1), filter };
    await store.deletePoints(kept.shardId, { range: { minTimeNs: 0n, maxTimeNs: 9n }, said, select: (view) => filters.select(filter, view) }); // prettier-ignore
    await write('m v=7,w=7 2', 7n);
    // By hinted handoff.
    await write('gone v=3 3\nm v=3,x=3 2\nm v=3 3', 3n);
    await store.close();
    const { out } = await inspect({ ...env, workingFolder: '/w' }, ['export', '-datadir', 'data', '-waldir', 'wal', '-lponly', '-out', '-']); // prettier-ignore
    expect(out.split('\n').sort().join('\n').trim()).toBe('m v=1 1\nm v=3 3\nm v=7 2\nm w=7 2\nm x=3 2'); // prettier-ignore
  };
  await world.complete(work(), 10_000_000);
});

test('influx_inspect: what is left of shards that are none any more, and of files whose points are in others, is passed over', async () => {
  await withFolders(async (run, { disk }) => {
    const exported = () => run('export', '-datadir', 'data', '-waldir', 'wal', '-lponly', '-out', '-'); // prettier-ignore
    const before = await exported();
    const bytes = await disk.readFile(path);
    const folder = 'data/db/autogen';
    for (const suffix of ['new', 'deleted', 'snapshot-3', 'staging-4', 'aside-1700000000000']) {
      await disk.makeDir(`${folder}/7.${suffix}`);
      await disk.replaceFile(`${folder}/7.${suffix}/000000001-000000001.tsm`, bytes);
    }
    const manifest = await readManifest(disk, `${folder}/7`);
    const gone = ['000000000-000000001.tsm'];
    await disk.replaceFile(`${folder}/7/${gone[0]}`, bytes);
    await writeManifest(disk, `${folder}/7`, { ...manifest, gone });
    expect(await exported()).toEqual(before);
    const report = await run('report', '-exact', 'data');
    expect({ code: report.code, err: report.err }).toMatchObject({ code: 0 });
    const lines = before.out.split('\n').filter((line) => line.startsWith('m,h=a'));
    expect(lines.length).toBe(2);
    // One that is asked for by name is looked at.
    const aside = await run('verify', '-dir', `${folder}/7.aside-1700000000000`);
    expect(aside.out).toContain('000000001-000000001.tsm: healthy');
  });
});

test('influx_inspect: a damaged shard of another database does not keep an export from its own', async () => {
  await withFolders(async (run, { disk }) => {
    await disk.replaceFile('data/db/autogen/7/shard.json', new TextEncoder().encode('x'));
    const some = await run('export', '-datadir', 'data', '-waldir', 'wal', '-lponly', '-database', 'other', '-out', '-'); // prettier-ignore
    expect(some).toMatchObject({ code: 0, out: 'o v=1i 5\n' });
  });
});

test('influx_inspect: the log of ours is dumped record by record', async () => {
  await withFolders(async (run, { disk }) => {
    const [segment] = await disk.list('wal');
    const { code, out, err } = await run('dumptsmwal', `wal/${segment?.name}`);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toMatch(/^\[write\] shard=7 seq=1 at=0 sz=\d+\n/);
    expect(out).toContain('\nm,h=b#!~#s "x \\"y\\"" 30\n');
    expect(out).toContain('m,h=d#!~#v 4i 41 refused\n');
    expect(out).toMatch(/\[vouch\] segment=1 from=0 to=\d+ at=\d+\n/);
  });
});

/** Each lone surrogate is a byte (base/exact-text.ts); the reference prints the same bytes. */
test('influx_inspect: names of any bytes are printed as they are, of files and of the log', async () => {
  const [e, grave] = ['\udce9', '\udce8'];
  await withFolders(async (run, { disk, clock }) => {
    const store = await openStore(disk, clock);
    await store.write(kept, batchOf(`m${e},h=${e} f${e}=1,f${grave}="${e}" 50\nm${e},h=${grave} f${e}=2 50`)); // prettier-ignore
    await store.flush(kept.shardId);
    await store.write(kept, batchOf(`l${e},h=${grave} f${e}=3i 60`));
    await store.close();
    const { out } = await run('export', '-datadir', 'data', '-waldir', 'wal', '-lponly', '-out', '-'); // prettier-ignore
    for (const line of [`m${e},h=${e} f${e}=1 50`, `m${e},h=${e} f${grave}="${e}" 50`, `m${e},h=${grave} f${e}=2 50`, `l${e},h=${grave} f${e}=3i 60`])
      expect(out).toContain(`\n${line}\n`); // prettier-ignore
    const [file = ''] = (await disk.list('data/db/autogen/7')).map(({ name }) => name).filter((name) => name.startsWith('000000002')); // prettier-ignore
    const at = `data/db/autogen/7/${file}`;
    const dump = await run('dumptsm', '-all', at);
    for (const cells of [`m${e},h=${e}\tf${grave}`, `m${e},h=${e}\tf${e}`, `m${e},h=${grave}\tf${e}`])
      expect(dump.out).toContain(cells); // prettier-ignore
    const segments = (await disk.list('wal')).map(({ name }) => `wal/${name}`).filter((name) => name.endsWith('.wal')); // prettier-ignore
    const logged = await run('dumptsmwal', ...segments);
    expect(logged.out).toContain(`l${e},h=${grave}#!~#f${e} 3i 60\n`);
    expect((await run('verify', '-dir', 'data', '-check-utf8')).out).toContain(
      'is not valid UTF-8',
    );
    // As they would come back from the export.
    const again = batchOf(out.split('\n').filter((line) => /^[lm]/.test(line)).join('\n')); // prettier-ignore
    expect(Buffer.from(again).includes(Buffer.from('m\xe9,h=\xe8', 'latin1'))).toBe(true);
  });
});

test('influx_inspect deletetsm: a shard of ours is well afterwards', async () => {
  await withFolders(async (run, { disk, clock }) => {
    expect(await run('deletetsm', '-measurement', 'm', path)).toEqual({
      code: 0,
      out: '',
      err: '',
    });
    expect(await disk.size(path)).toBeUndefined();
    expect((await run('verify', '-dir', 'data')).code).toBe(0);
    const store = await openStore(disk, clock);
    expect(readField(store, 'm', 'v')).toEqual([{ time: 40, value: '3' }]);
    await store.write(kept, batchOf('m,h=c v=5 41\nq v=1 1'));
    await store.flush(kept.shardId);
    await store.close();
    const second = 'data/db/autogen/7/000000001-000000001.tsm';
    expect((await run('deletetsm', '-measurement', 'q', second)).code).toBe(0);
    const again = await openStore(disk, clock);
    expect(readField(again, 'm', 'v').map(({ time }) => time)).toEqual([40, 41]);
    expect(readField(again, 'q', 'v')).toEqual([]);
    // Nor does the index know what was in the file.
    expect(finished(again.view(kept.shardId)?.seriesIds('q'))?.length ?? 0).toBe(0);
    await again.close();
  });
});

test('influx_inspect check-schema and merge-schema: the types of fields, and those that have two', async () => {
  await withFolders(async (run, { disk }) => {
    const read = async (path: string): Promise<string> => Buffer.from(await disk.readFile(path)).toString(); // prettier-ignore
    const said = await run('check-schema', '-path', 'data');
    expect(said.code).toBe(0);
    expect(said.out).toBe('Processing /w/data/db/autogen/7\nSchema file written successfully to: "schema.json"\nNo conflicts file generated: no conflicts found\n'); // prettier-ignore
    expect(await read('schema.json')).toBe('{\n  "\\"db\\".\\"autogen\\".\\"m\\".\\"s\\"": "string",\n  "\\"db\\".\\"autogen\\".\\"m\\".\\"v\\"": "float"\n}\n'); // prettier-ignore
    const other = (await read('schema.json')).replace('float', 'integer');
    await disk.replaceFile('other.json', Buffer.from(other));
    const merged = await run(
      'merge-schema',
      '-schema-file',
      'all.json',
      'schema.json',
      'other.json',
    );
    expect(merged.out).toContain('Conflicts file written successfully to: "conflicts.json"\n');
    expect(await read('conflicts.json')).toBe('{\n  "\\"db\\".\\"autogen\\".\\"m\\".\\"v\\"": "float,integer"\n}\n'); // prettier-ignore
    expect((await run('merge-schema', 'none.json')).err).toContain('resolve-conflicts: unable to open schema file "none.json"'); // prettier-ignore
    await disk.replaceFile('bad.json', Buffer.from('{"a":1}'));
    expect(await run('merge-schema', 'bad.json')).toMatchObject({ code: 1, err: 'resolve-conflicts: unable to decode schema file "bad.json"\n' }); // prettier-ignore
  });
});

test('influx_inspect: commands about files that there are none of here say so', async () => {
  await withFolders(async (run) => {
    expect((await run('buildtsi', '-datadir', 'data', '-waldir', 'wal')).code).toBe(0);
    const dump = await run('dumptsi', '-series-file', 'x');
    expect(dump).toMatchObject({ code: 1, out: '' });
    expect(dump.err).toMatch(/^dumptsi: A shard keeps its series in its own files here/);
  });
});
