import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startOneNode } from '../support/one-node.ts';
import { askAgain, readAsked, type Asked } from './asked-again.ts';

/** The first line of the file has the data, in which no two rows of a measurement have one time. */
test.each([1, 2])(
  'statements that were answered otherwise once are answered as by the recorded server (%s workers)',
  async (workerCount) => {
    const { head, asked } = readAsked();
    const folder = mkdtempSync(join(tmpdir(), 'varve-asked-'));
    const node = await startOneNode(folder, { workerCount });
    let answers: readonly Asked[];
    try {
      answers = await askAgain(node.url, head, asked);
    } finally {
      await node.close();
      rmSync(folder, { recursive: true });
    }
    expect(answers).toEqual(asked);
  },
  60_000,
);
