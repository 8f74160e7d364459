/**
 * `npm run bench:backup`: how fast shards of one data node are backed up to a folder and restored, a minute at most.
 * `--kind packed` are texts that compress no further once they are in files, as most values are; `--kind plain` shrink by gzip.
 */
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { DevCluster } from '../test/support/dev-cluster.ts';

const { values } = parseArgs({
  options: {
    kind: { type: 'string', default: 'packed' },
    megabytes: { type: 'string', default: '500' },
    shards: { type: 'string', default: '8' },
    levels: { type: 'string', default: 'none,default' },
    'port-offset': { type: 'string', default: '10000' },
  },
});
const dayNs = 86_400_000_000_000n;
const encoding = values.kind === 'plain' ? 'hex' : 'base64';
const textBytes = 1_500;
const bodyLines = 2_000;
const shardCount = Number(values.shards);
const shardLines = (Number(values.megabytes) * 1e6) / shardCount / textBytes;
const cluster = new DevCluster(Number(values['port-offset']), '--metas', '1', '--data', '1');
const places = mkdtempSync(join(tmpdir(), 'varve-bench-backup-'));

try {
  await cluster.start();
  await cluster.query(1, 'CREATE DATABASE d WITH REPLICATION 1 SHARD DURATION 1d');
  for (let shard = 0; shard < shardCount; shard++)
    for (let line = 0; line < shardLines; line += bodyLines) await write(shard, line);
  for (const level of values.levels.split(',')) {
    const place = join(places, level);
    await timed(`backup ${level}`, place, [
      'backup',
      '-db',
      'd',
      '-gzipCompressionLevel',
      level,
      place,
    ]);
    await timed(`backup ${level} again`, place, ['backup', '-db', 'd', place]);
    await timed(`restore ${level}`, place, ['restore', '-db', 'd', '-newdb', `d_${level}`, place]);
  }
} finally {
  await cluster.stop();
  rmSync(places, { recursive: true, force: true });
}

async function write(shard: number, from: number): Promise<void> {
  const lines = Array.from({ length: bodyLines }, (_, i) => {
    const hash = createHash('shake256', {
      outputLength: encoding === 'hex' ? textBytes / 2 : (textBytes * 3) / 4,
    });
    const at = BigInt(shard) * dayNs + BigInt(from + i);
    return `m,host=h${i % 10} s="${hash.update(`${at}`).digest(encoding)}" ${at}`;
  });
  const answer = await cluster.write(1, lines.join('\n'), 'one');
  if (answer !== '204') throw new Error(answer);
}

async function timed(what: string, place: string, args: readonly string[]): Promise<void> {
  const startMs = performance.now();
  const { code, text } = await cluster.ctl(args);
  const seconds = (performance.now() - startMs) / 1_000;
  if (code !== 0) throw new Error(text);
  const [, moved = '0'] = /transferred (\d+) bytes\n$/.exec(text) ?? [];
  const megabytes = Number(moved) / 1e6;
  const kept =
    readdirSync(place).reduce((sum, name) => sum + statSync(join(place, name)).size, 0) / 1e6;
  process.stdout.write(
    `${what}: ${megabytes.toFixed(1)} MB in ${seconds.toFixed(2)} s, ${(megabytes / seconds).toFixed(0)} MB/s; the place has ${kept.toFixed(1)} MB\n`,
  );
}
