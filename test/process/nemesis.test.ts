import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const script = join(import.meta.dirname, '../../scripts/nemesis.ts');
const limitMs = 180_000;

test(
  'nemesis: a point that was acknowledged and is on no owner any more is found by its verdict, and by nothing else',
  () => {
    const flags = ['--minutes', '0.1', '--settle-seconds', '2', '--port-offset', '13500'];
    const ran = spawnSync(process.execPath, [script, ...flags, '--plant', 'deleted'], { encoding: 'utf8' }); // prettier-ignore
    const failed = ran.stdout.split('\n').filter((line) => line.startsWith('FAILED'));
    expect(failed, ran.stdout + ran.stderr).toEqual([
      expect.stringMatching(/ points acknowledged at any: no owner has 1: \d+ \(any by /),
      expect.stringMatching(/ has all of them: node \d lacks 1 at any: /),
    ]);
    expect(ran.stdout).toMatch(/^held {4}owners equal: \d+ points, 8 registers\n(.*\n)*7 passed, 2 failed\n$/m); // prettier-ignore
    expect(ran.status).toBe(1);
  },
  limitMs,
);
