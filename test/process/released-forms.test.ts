import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { DevCluster, eventually } from '../support/dev-cluster.ts';
import { releasedOffset, releasedQuestions, releasedShape } from './released-cluster.ts';

const limitMs = 180_000;
const folder = join(import.meta.dirname, 'testdata');
const cluster = new DevCluster(releasedOffset, ...releasedShape);
afterAll(() => cluster.stop(), limitMs);

test(
  'what an earlier release left on its disks at kill -9 is read: shards, deletes, log, hints, Raft and catalogs; answers are its own',
  async () => {
    const unpacked = spawnSync('tar', ['-x', '-z', '-f', join(folder, 'released.tar.gz'), '-C', cluster.dir]); // prettier-ignore
    expect(unpacked.status).toBe(0);
    const answers = JSON.parse(readFileSync(join(folder, 'released.json'), 'utf8')) as Record<string, string>; // prettier-ignore
    expect(Object.keys(answers)).toEqual(releasedQuestions);
    await cluster.start();
    // The second node lacks what waits for it at the first one, and asks that until it has it.
    for (const node of [1, 2])
      for (const question of releasedQuestions)
        await eventually(async () => {
          expect(await cluster.query(node, question)).toBe(answers[question]);
        }, 60_000);
    await eventually(() => {
      const names = readdirSync(join(cluster.dir, 'data-1/hh'), { recursive: true, encoding: 'utf8' }); // prettier-ignore
      expect(names.filter((name) => name.endsWith('.hint'))).toEqual([]);
      return Promise.resolve();
    }, 60_000);
    await cluster.kill('data-1');
    expect(await cluster.query(2, 'SELECT * FROM rest')).toBe(answers['SELECT * FROM rest']);
    const user = new URLSearchParams({ q: 'SHOW DATABASES', u: 'bob', p: 'secret' });
    const asked = await fetch(`${cluster.url('data', 2)}/query?${user.toString()}`);
    expect(asked.status).toBe(200);
  },
  limitMs,
);
