/**
 * `node test/process/record-release.ts`: has the release before make a small cluster, ends it with kill -9, and keeps what is on its
 * disks, and what it answered, for `released-forms.test.ts`: shards in files with deletes, a log, hints, Raft's log, cached catalogs.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { olderRelease } from '../support/older-release.ts';
import { releasedOffset, releasedQuestions, releasedShape } from './released-cluster.ts';

const release = olderRelease();
if ('lacks' in release) throw new Error(release.lacks);
const cluster = new DevCluster(releasedOffset, ...releasedShape);
const folder = join(import.meta.dirname, 'testdata');

function lines(from: number, to: number): string {
  return Array.from({ length: to - from }, (_, k) => from + k)
    .map(
      (i) =>
        `rest,host=h${i % 7} v=${i / 4},n=${i}i,s="t${i}",b=${i % 2 === 0} ${BigInt(i) * 430_000_000_000n}`,
    ) // prettier-ignore
    .join('\n');
}

async function write(body: string, level: string): Promise<void> {
  const answer = await cluster.write(1, body, level);
  if (answer !== '204') throw new Error(answer);
}

function files(end: string): readonly string[] {
  const names = readdirSync(cluster.dir, { recursive: true, encoding: 'utf8' });
  return names.filter((name) => name.endsWith(end));
}

try {
  await cluster.start({ INFLUXDB_DATA_CACHE_SNAPSHOT_WRITE_COLD_DURATION: '1s' }, release.root);
  for (const statement of [
    'CREATE DATABASE d WITH REPLICATION 2 SHARD DURATION 1d',
    'CREATE RETENTION POLICY two ON d DURATION 520w REPLICATION 2',
    "CREATE USER bob WITH PASSWORD 'secret'",
    'GRANT READ ON d TO bob',
    'CREATE CONTINUOUS QUERY c ON d BEGIN SELECT mean(v) INTO two.mean FROM rest GROUP BY time(1h) END', // prettier-ignore
  ])
    await cluster.query(1, statement);
  await write(lines(0, 400), 'all');
  await eventually(() => {
    if (files('.tsm').length < 4) throw new Error('nothing is in files yet');
    return Promise.resolve();
  }, 60_000);
  await cluster.query(1, 'DELETE FROM rest WHERE time < 4300s');
  await cluster.killAll();
  await cluster.start({}, release.root);
  await write(lines(380, 450), 'all');
  await cluster.kill('data-2');
  await write(lines(450, 500), 'one');
  await eventually(() => {
    if (files('.hint').length === 0) throw new Error('nothing waits yet');
    return Promise.resolve();
  }, 60_000);
  const answers: Record<string, string> = {};
  for (const question of releasedQuestions) answers[question] = await cluster.query(1, question);
  await cluster.killAll();
  writeFileSync(join(folder, 'released.json'), `${JSON.stringify(answers, null, 2)}\n`);
  // The licence and the secret are made anew; logs say nothing.
  for (const name of ['license', 'secret', '.lock'])
    if (existsSync(join(cluster.dir, name))) rmSync(join(cluster.dir, name), { recursive: true });
  const left = ['--exclude=influxd*.log', '--exclude=.lock', '--exclude=*.conf', '--sort=name', '--owner=0', '--group=0']; // prettier-ignore
  const packed = spawnSync('tar', ['-c', '-z', '-f', join(folder, 'released.tar.gz'), ...left, '-C', cluster.dir, '.']); // prettier-ignore
  if (packed.status !== 0) throw new Error(packed.stderr.toString());
} finally {
  await cluster.stop();
}
