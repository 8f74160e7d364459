import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { decodeBlock } from '../../src/codec/block.ts';
import { NodeClock } from '../../src/env/node/node-clock.ts';
import { NodeDisk } from '../../src/env/node/node-disk.ts';
import type { Log } from '../../src/env/log.ts';
import { parseLines } from '../../src/models/line-protocol.ts';
import { PointBatchBuilder } from '../../src/models/point-batch-builder.ts';
import { seriesKey } from '../../src/models/series-key.ts';
import { Store } from '../../src/storage/store/store.ts';
import { TsmFile } from '../../src/storage/tsm/tsm-file.ts';
import { expectSameByKernel } from '../support/decode-by-kernel.ts';
import { ReferenceServer } from '../support/reference-server.ts';

const hasReference = spawnSync('influxd', ['version']).status === 0;
if (!hasReference) process.stdout.write('no influxd (Debian: influxdb): the test of shared TSM files is skipped\n'); // prettier-ignore

const lines = Array.from(
  { length: 3_000 },
  (_, i) =>
    `m,t=a\\ b${i % 2} f=${i / 7},i=${(i * 7919) % 1000}i,b=${i % 3 === 0},s="v${i} é",w=${i % 2 === 0 ? '' : '-'}${2 ** 40 + i}i ${1_000 + i * (1 + (i % 5 === 0 ? 1 : 0))}`,
).join('\n');
const selects = [
  'SELECT * FROM m',
  'SELECT count(f), sum(i), min(w), max(f), last(s) FROM m GROUP BY t',
].map((q) => ({ q, db: 'd', epoch: 'ns' }));

/** Writes the lines with our own storage and flushes them; answers the path of the TSM file. */
async function writeFile(folder: string): Promise<string> {
  const log = { info: () => undefined } as unknown as Log;
  const ports = {
    disk: new NodeDisk(),
    log,
    clock: new NodeClock(),
    turn: () => Promise.resolve(),
  };
  const store = await Store.open(ports, {
    dataFolder: `${folder}/data`,
    walFolder: `${folder}/wal`,
    worker: 0,
    isHome: () => true,
    segmentBytesMax: 1 << 20,
    queueBytesMax: 1 << 24,
    snapshotBytes: 1 << 30,
    snapshotColdMs: 600_000,
    cacheBytesMax: 0,
    memtablesBytesMax: 1 << 30,
  });
  const builder = new PointBatchBuilder();
  const { points } = parseLines(new TextEncoder().encode(lines), { stepNs: 1n, defaultTimeNs: 0n });
  for (const point of points) builder.add(seriesKey(point.measurement, point.tags), point);
  await store.write({ shardId: 1, database: 'd', retentionPolicy: 'autogen' }, builder.finish());
  await store.flush(1);
  await store.close();
  const [name = ''] = readdirSync(`${folder}/data/d/autogen/1`).filter((one) =>
    one.endsWith('.tsm'),
  );
  return `${folder}/data/d/autogen/1/${name}`;
}

test.runIf(hasReference)(
  'tsm: a real influxd answers from our file what it answers from its own, and we read its',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'varve-tsm-'));
    const reference = await ReferenceServer.start();
    try {
      await reference.query({ q: 'CREATE DATABASE d' });
      expect(await reference.write('d', lines)).toMatchObject({ status: 204 });
      const own = await Promise.all(selects.map((select) => reference.query(select)));
      const ours = await writeFile(folder);
      const theirs = `${folder}/theirs.tsm`;
      await reference.restart((data) => {
        rmSync(`${data}/wal`, { recursive: true });
        copyFileSync(ours, `${data}/data/d/autogen/1/000000009-000000001.tsm`);
      });
      expect(await Promise.all(selects.map((select) => reference.query(select)))).toEqual(own);
      // Its own file of the same points: a shard that closes cold leaves one behind.
      await reference.query({ q: 'CREATE DATABASE e' });
      await reference.write('e', lines);
      await reference.restart((data) => {
        const shard = `${data}/data/d/autogen/1`;
        const [name = ''] = readdirSync(shard).filter((one) => one.endsWith('.tsm'));
        copyFileSync(`${shard}/${name}`, theirs);
      });
      const file = await TsmFile.open({ disk: new NodeDisk() }, theirs);
      let rows = 0;
      for (const [, column] of file.columns()) {
        for (const entry of column.entries()) {
          const block = file.block(entry);
          rows += decodeBlock(block).timesNs.length;
          expectSameByKernel(block);
        }
      }
      expect(rows).toBe(15_000);
      await file.close();
    } finally {
      await reference.stop();
      rmSync(folder, { recursive: true });
    }
  },
);
