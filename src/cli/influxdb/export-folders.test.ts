import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { exportFolders } from './export-folders-command.ts';

test('export: not among the folders of the node, nor around or below them', async () => {
  const home = mkdtempSync(join(tmpdir(), 'varve-export-'));
  try {
    const at = (path: string): string => join(home, path);
    const node = { data: at('n/data'), wal: at('log/wal'), meta: at('m/of/node') };
    const run = (out: string): Promise<void> =>
      exportFolders({ disk: new NodeDisk(), out: () => undefined }, node, {
        text: (flag) => (flag === 'out' ? out : ''),
        has: () => false,
      });
    for (const own of ['n', 'n/data', 'n/data/x', 'log', 'n/../n/', 'm/of/node'])
      await expect(run(at(own)), own).rejects.toThrow('is a folder of this node');
    expect(existsSync(at('n'))).toBe(false);
    // Of no cluster: that is what is said of a folder that may be.
    await expect(run(at('out'))).rejects.toThrow('this node knows of no cluster');
  } finally {
    rmSync(home, { recursive: true });
  }
});
