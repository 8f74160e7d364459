import { spawn, spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';

/** The real `influx -import` of a compressed file while a data node dies and comes again. */
const cluster = new DevCluster(13_200, '--metas', '1');
const limitMs = 120_000;
const [lineCount, linesEachSecond] = [100_000, 25_000];
const hasShell = spawnSync('influx', ['-version']).status === 0;
if (!hasShell)
  process.stdout.write('no influx shell (Debian: influxdb-client): its import is skipped\n');

beforeAll(() => cluster.start(), limitMs);
afterAll(() => cluster.stop(), limitMs);

function exported(): string {
  const head = ['# DDL', 'CREATE DATABASE imported WITH DURATION 0s REPLICATION 2 NAME "kept"'];
  const context = ['# DML', '# CONTEXT-DATABASE: imported', '# CONTEXT-RETENTION-POLICY: kept'];
  const lines = Array.from({ length: lineCount }, (_, i) => `m,host=h${i % 10} i=${i}i,s="a \\"b\\" ${i}" ${1_600_000_000 + i}`); // prettier-ignore
  return [...head, ...context, ...lines, ''].join('\n');
}

test.runIf(hasShell)(
  'influx -import at level one: nothing is lost or there twice where a node is killed meanwhile',
  async () => {
    const path = join(cluster.dir, 'lines.txt.gz');
    writeFileSync(path, gzipSync(exported()));
    const { port } = new URL(cluster.url('data', 1));
    const child = spawn('influx', ['-host', '127.0.0.1', '-port', port, '-import', '-compressed', '-path', path, '-precision', 's', '-pps', `${linesEachSecond}`, '-consistency', 'one']); // prettier-ignore
    let said = '';
    child.stdout.on('data', (part: Buffer) => (said += part.toString()));
    child.stderr.on('data', (part: Buffer) => (said += part.toString()));
    const ended = new Promise((resolve) => child.once('close', resolve));
    const read = (node: number) => cluster.query(node, 'SELECT count(i), sum(i), count(s) FROM kept.m', 'imported'); // prettier-ignore
    await eventually(async () => {
      expect(await read(1)).toContain('"count"');
    }, 20_000);
    await cluster.kill('data-2');
    expect(child.exitCode).toBeNull();
    cluster.startByHand('data-2');
    expect({ code: await ended, said }).toEqual({
      code: 0,
      said: expect.stringContaining(`Processed ${lineCount} inserts`) as string,
    });
    expect(said).toContain('Failed 0 inserts');
    const sum = (lineCount * (lineCount - 1)) / 2;
    for (const node of [1, 2])
      await eventually(async () => {
        expect(await read(node)).toContain(`"values":[[0,${lineCount},${sum},${lineCount}]]`);
      }, 60_000);
  },
  limitMs,
);
