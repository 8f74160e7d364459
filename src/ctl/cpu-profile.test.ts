import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { profiled } from './cpu-profile.ts';

test('cpu profile: it is written of work that fails, too, and what that failed with is told', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-profile-'));
  try {
    const path = join(folder, 'p.cpuprofile');
    const fails = () => Promise.reject(new Error('no owner'));
    await expect(profiled(path, fails)).rejects.toThrow('no owner');
    expect(existsSync(path)).toBe(true);
    await expect(profiled(join(folder, 'none', 'p'), fails)).rejects.toThrow('no owner');
    await expect(profiled(join(folder, 'none', 'p'), () => Promise.resolve(1))).rejects.toThrow('ENOENT'); // prettier-ignore
    expect(await profiled(join(folder, 'q'), () => Promise.resolve(1))).toBe(1);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
