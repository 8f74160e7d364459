import { appendFileSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compressSync } from 'snappy';
import { expect, test } from 'vitest';
import { inspect } from '../../../test/support/inspect-run.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { readImportRecord, writeImportRecord } from '../../meta/client/import-record.ts';
import { writeIdentity } from '../../meta/client/identity-file.ts';
import { encodeCatalog } from '../../meta/codec/catalog-codec.ts';
import { emptyCatalog } from '../../meta/model/catalog.ts';
import { Databases } from '../../meta/model/databases.ts';
import { importInflux } from './import-command.ts';
import { importContent } from '../../backup/import-content.ts';
import { placeShard } from './place-shard.ts';

const recorded = join(import.meta.dirname, '../../../test/golden/testdata/influx-folders/1.6.7');
const disk = new NodeDisk();

/** Says when a shard gets its folder. */
class WatchedDisk extends NodeDisk {
  readonly #onPlaced: () => void;

  constructor(onPlaced: () => void) {
    super();
    this.#onPlaced = onPlaced;
  }

  override async rename(from: string, to: string): Promise<void> {
    await super.rename(from, to);
    if (/\/\d+$/.test(to)) this.#onPlaced();
  }
}

interface Home {
  readonly root: string;
  readonly at: (path: string) => string;
  /** What it says; throws what it ends with. */
  readonly run: (
    flags?: Readonly<Record<string, string | true>>,
    onPlaced?: () => void,
  ) => Promise<string>;
}

/** With `influxdb`, which 1.6.7 left, and a node's folders beside it. */
async function withHome(body: (home: Home) => Promise<void>): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'varve-import-'));
  const at = (path: string): string => join(root, path);
  cpSync(recorded, at('influxdb'), { recursive: true });
  const node = { data: at('data'), wal: at('wal'), meta: at('meta') };
  const run: Home['run'] = async (more = {}, onPlaced) => {
    const given: Readonly<Record<string, string | true>> = { from: at('influxdb'), ...more };
    const said: string[] = [];
    const text = (flag: string): string => (typeof given[flag] === 'string' ? given[flag] : '');
    const flags = { text, has: (flag: string) => given[flag] === true };
    const ports = { disk: onPlaced === undefined ? disk : new WatchedDisk(onPlaced), out: (one: string) => void said.push(one) }; // prettier-ignore
    await importInflux(ports, node, flags);
    return said.join('');
  };
  try {
    await body({ root, at, run });
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('import: into a node that has shards, or from elsewhere than before, nothing is done', async () => {
  await withHome(async ({ at, run }) => {
    await disk.makeDir(at('data/d/autogen/1'));
    await expect(run()).rejects.toThrow('data/d/autogen/1 is there already');
    rmSync(at('data'), { recursive: true });
    await disk.makeDir(at('wal'));
    writeFileSync(at('wal/0000000001-000-0000000001-00000000.wal'), 'x');
    await expect(run()).rejects.toThrow('.wal is there already');
    rmSync(at('wal'), { recursive: true });
    await run();
    cpSync(join(recorded, '../1.12.4'), at('other'), { recursive: true });
    await expect(run({ from: at('other') })).rejects.toThrow('another import, of ');
    await expect(run({ from: at('') })).rejects.toThrow('is the data folder of this node');
    await expect(run({ from: '' })).rejects.toThrow('-from or -data-dir is required');
    await expect(run({ from: at('none') })).rejects.toThrow('none/data: no such file or directory');
  });
});

test('import: without the folder of the log, which may be on another disk, nothing is done', async () => {
  await withHome(async ({ at, run }) => {
    rmSync(at('influxdb/wal'), { recursive: true });
    await expect(run({ 'dry-run': true })).rejects.toThrow(
      'influxdb/wal: no such file or directory',
    );
    await disk.makeDir(at('log'));
    expect(await run({ 'dry-run': true, 'wal-dir': at('log') })).toContain('0 values in the log');
  });
});

test('import: ids above those of a cluster', async () => {
  await withHome(async ({ at, run }) => {
    await expect(run({ 'id-offset': 'x' })).rejects.toThrow('-id-offset: x is no number');
    await run({ 'id-offset': '100' });
    expect(await disk.size(at('data/old/autogen/101/shard.json'))).toBeDefined();
    const content = (await readImportRecord(disk, at('meta')))?.content;
    expect(content?.maxShardId).toBe(105);
    const ids = content?.databases.flatMap(({ retentionPolicies }) => retentionPolicies.flatMap(({ shardGroups }) => shardGroups.map(({ id }) => id))); // prettier-ignore
    expect(ids).toEqual([101, 102, 103, 104, 105]);
  });
});

test('import: with other ids than before, before a cluster has it, it begins anew', async () => {
  await withHome(async ({ at, run }) => {
    await run();
    expect(await run({ 'id-offset': '100' })).toContain('is taken back');
    const names = (await disk.list(at('data/old/autogen'))).map(({ name }) => name);
    expect(names.filter((name) => /^\d+$/.test(name))).toEqual(['101', '102', '103']);
    expect((await readImportRecord(disk, at('meta')))?.content?.maxShardId).toBe(105);
    expect(await run({ 'id-offset': '100' })).toContain('All of it was imported before.');
  });
});

test('import: one that the cluster of the node has refused is made again, and not what the cluster has in its place', async () => {
  await withHome(async ({ at, run }) => {
    await run();
    await writeIdentity(disk, at('meta'), { nodeId: 4, clusterId: 7n, metaAddresses: ['m:8089'] });
    await disk.makeDir(at('data/own/autogen/9'));
    const refused = await readImportRecord(disk, at('meta'));
    if (refused === undefined) throw new Error('no record');
    await writeImportRecord(disk, at('meta'), { ...refused, isSent: true });
    await expect(run({ 'id-offset': '100' })).rejects.toThrow('is not known yet');
    await writeImportRecord(disk, at('meta'), refused);
    expect(await run({ 'id-offset': '100' })).toContain('is taken back');
    expect((await disk.list(at('data/own/autogen'))).map(({ name }) => name)).toEqual(['9']);
    const policy = { name: 'autogen', durationNs: 0n, shardGroupDurationNs: 1n, replicaCount: 1, pastLimitNs: 0n, futureLimitNs: 0n, shardGroups: [{ id: 1, startNs: 0n, endNs: 9n, shards: [{ id: 102, owners: [4] }] }] }; // prettier-ignore
    const databases = Databases.of([{ name: 'old', defaultRetentionPolicy: 'autogen', retentionPolicies: [policy] }]); // prettier-ignore
    await disk.replaceFile(at('meta/catalog'), encodeCatalog({ ...emptyCatalog, clusterId: 7n, index: 9, databases })); // prettier-ignore
    await expect(run({ 'id-offset': '200' })).rejects.toThrow('what was written since is not here');
    expect(await disk.size(at('data/old/autogen/102/shard.json'))).toBeDefined();
  });
});

test('import: what the InfluxDB has written since an import that was cut off is there when that is run again', async () => {
  await withHome(async ({ at, run }) => {
    const segment = at('influxdb/wal/old/autogen/1/_00002.wal');
    const whole = readFileSync(segment);
    writeFileSync(segment, Buffer.alloc(0));
    await run();
    const record = await readImportRecord(disk, at('meta'));
    if (record === undefined) throw new Error('no record');
    await writeImportRecord(disk, at('meta'), { ...record, state: 'begun', content: undefined });
    writeFileSync(segment, whole);
    const exported = async (): Promise<string> => {
      const said = await inspect({ disk, clock: new NodeClock() }, ['export', '-lponly', '-datadir', at('data'), '-waldir', at('meta'), '-database', 'old', '-retention', 'autogen', '-out', '-']); // prettier-ignore
      return said.out;
    };
    const before = await exported();
    await run();
    expect((await exported()).length).toBeGreaterThan(before.length);
    // So it is of one that is whole, as long as no cluster has it.
    writeFileSync(at('influxdb/wal/old/autogen/1/_00003.wal'), whole);
    expect(await run()).toContain('is taken back');
    const done = await readImportRecord(disk, at('meta'));
    if (done === undefined) throw new Error('no record');
    await writeImportRecord(disk, at('meta'), { ...done, state: 'done', content: undefined });
    expect(await run()).toContain('All of it was imported before.');
    writeFileSync(at('influxdb/wal/old/autogen/1/_00004.wal'), whole);
    await expect(run()).rejects.toThrow('what was written since is not here');
  });
});

test('import: of an InfluxDB that writes meanwhile nothing is called imported', async () => {
  await withHome(async ({ at, run }) => {
    const segment = at('influxdb/wal/old/autogen/1/_00002.wal');
    const whole = readFileSync(segment);
    await expect(run({}, () => { appendFileSync(segment, whole); })).rejects.toThrow('stop the InfluxDB, and run this again'); // prettier-ignore
    expect((await readImportRecord(disk, at('meta')))?.state).toBe('begun');
    expect(await run()).toContain('Imported 2 databases');
  });
});

test('import: what is torn, set aside or of no shard is told', async () => {
  await withHome(async ({ at, run }) => {
    const segment = at('influxdb/wal/old/autogen/1/_00002.wal');
    const whole = readFileSync(segment);
    writeFileSync(segment, whole.subarray(0, -3));
    writeFileSync(at('influxdb/data/old/autogen/2/000000009-000000001.tsm.bad'), 'x');
    await disk.makeDir(at('influxdb/data/old/autogen/77'));
    await disk.makeDir(at('influxdb/data/_internal/monitor/78'));
    const said = await run({ 'dry-run': true });
    expect(said).toContain(`warning: ${segment}: an entry is cut short, at `);
    expect(said).toContain('2/000000009-000000001.tsm.bad was set aside by InfluxDB');
    expect(said).toContain('data/old/autogen/77 is of no shard in meta.db');
    expect(said).toContain('data/_internal/monitor/78 is what InfluxDB measured of itself');
    expect(await disk.size(at('data'))).toBeUndefined();
  });
});

test('import: files that are cut or damaged end it with their name, before anything is changed', async () => {
  await withHome(async ({ at, run }) => {
    const files = ['meta/meta.db', 'data/old/autogen/1/000000001-000000001.tsm', 'data/old/autogen/1/000000001-000000001.tombstone', 'wal/old/autogen/1/_00002.wal']; // prettier-ignore
    for (const name of files) {
      const path = at(`influxdb/${name}`);
      const good = new Uint8Array(readFileSync(path));
      const bad = Array.from({ length: 120 }, (_, i) => {
        const place = Math.floor((i * good.length) / 120);
        if (i % 2 === 0) return good.slice(0, place);
        const flipped = good.slice();
        flipped[place] = (flipped[place] ?? 0) ^ (1 << (i % 8));
        return flipped;
      });
      for (const [i, bytes] of bad.entries()) {
        writeFileSync(path, bytes);
        const outcome = await run({ 'dry-run': true }).catch((error: unknown) => error);
        // A name or a time that is another one is as good as any; whatever is refused says where it is.
        if (typeof outcome !== 'string')
          expect(String(outcome), `${name}: change ${i}`).toMatch(new RegExp(`^DbError: .*(${name.split('/').at(-1)})`)); // prettier-ignore
        expect(await disk.size(at('data'))).toBeUndefined();
      }
      writeFileSync(path, good);
    }
    expect(await run()).toContain('Imported 2 databases');
  });
});

test('import: no more databases than the metas take at once', () => {
  const continuousQueries = ['a', 'b'].map((name) => ({ name, query: name.repeat(9_000_000) }));
  const database = { name: 'd', defaultRetentionPolicy: 'p', retentionPolicies: [], continuousQueries }; // prettier-ignore
  const meta = { term: 1, index: 1, clusterId: 1n, databases: [database], users: [], maxNodeId: 0, maxShardGroupId: 0, maxShardId: 0 }; // prettier-ignore
  expect(() => importContent(meta, { idOffset: 0 })).toThrow('for the metas, who take 16777216');
});

/** One entry of a log of InfluxDB. */
function entry(kind: number, plain: Uint8Array): Uint8Array {
  const packed = compressSync(Buffer.from(plain)) as unknown as Uint8Array;
  const head = Buffer.alloc(5);
  head.writeUInt8(kind);
  head.writeUInt32BE(packed.length, 1);
  return Buffer.concat([head, packed]);
}

function floats(key: string, rows: readonly (readonly [number, number])[]): Uint8Array {
  const head = Buffer.alloc(3 + key.length + 4);
  head.writeUInt8(1);
  head.writeUInt16BE(key.length, 1);
  head.write(key, 3, 'latin1');
  head.writeUInt32BE(rows.length, 3 + key.length);
  const values = rows.map(([time, value]) => {
    const row = Buffer.alloc(16);
    row.writeBigInt64BE(BigInt(time));
    row.writeDoubleBE(value, 8);
    return row;
  });
  return Buffer.concat([head, ...values]);
}

test('import: a log that is larger than memory, with deletes of what went to files before', async () => {
  await withHome(async ({ at }) => {
    const segment = at('_00001.wal');
    const write = (...rows: readonly (readonly [number, number])[]) => entry(1, floats('m,h=a#!~#v', rows)); // prettier-ignore
    const range = Buffer.alloc(20);
    range.writeBigInt64BE(2n);
    range.writeBigInt64BE(3n, 8);
    range.writeUInt32BE(10, 16);
    const ranged = entry(3, Buffer.concat([range, Buffer.from('m,h=a#!~#v')]));
    const all = entry(2, Buffer.from('m,h=b#!~#v\nx'));
    const other = entry(1, floats('m,h=b#!~#v', [[1, 9]]));
    writeFileSync(segment, Buffer.concat([write([1, 1], [2, 2]), other, ranged, write([3, 30]), all, write([4, 4], [1, 10])])); // prettier-ignore
    const files = { tsmPaths: [], tombstonePaths: [], segmentPaths: [segment], badPaths: [] };
    await placeShard(disk, files, { folder: at('out/d/autogen/1'), valuesMax: 2 });
    const names = (await disk.list(at('out/d/autogen/1'))).map(({ name }) => name);
    expect(names.filter((name) => name.endsWith('.tsm')).length).toBeGreaterThan(1);
    const said = await inspect({ disk, clock: new NodeClock() }, ['export', '-lponly', '-datadir', at('out'), '-waldir', at('influxdb/wal'), '-database', 'd', '-out', '-']); // prettier-ignore
    expect(said.out).toBe('m,h=a v=1 1\nm,h=a v=30 3\nm,h=a v=10 1\nm,h=a v=4 4\n');
  });
});
