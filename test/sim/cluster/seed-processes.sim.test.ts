import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Outcome } from './judge-seed.ts';
import { runSeedProcesses } from './seed-processes.ts';

/** A child that dies at seed 2 and at seed 4, and calls every other one failed. */
const program = `process.on('message', (seed) => {
  if (seed === 2) process.exit(3);
  if (seed === 4) process.kill(process.pid, 'SIGKILL');
  else process.send({ seed, failure: 'as ' + process.argv[2] });
});`;

test('seed processes: every seed has its outcome, also when its process dies', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-seeds-'));
  try {
    const path = join(folder, 'child.mjs');
    writeFileSync(path, program);
    const outcomes: Outcome[] = [];
    await runSeedProcesses([1, 2, 3, 4, 5, 6], {
      program: path,
      childArguments: ['asked'],
      jobCount: 2,
      onOutcome: (outcome) => {
        outcomes.push(outcome);
      },
    });
    expect(outcomes.sort((a, b) => a.seed - b.seed)).toEqual([
      { seed: 1, failure: 'as asked' },
      { seed: 2, failure: 'its process ended with code 3' },
      { seed: 3, failure: 'as asked' },
      { seed: 4, failure: 'its process ended with SIGKILL' },
      { seed: 5, failure: 'as asked' },
      { seed: 6, failure: 'as asked' },
    ]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
