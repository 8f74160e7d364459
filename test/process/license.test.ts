import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const bin = join(import.meta.dirname, '../../bin/influxd-license');

test('influxd-license: keygen, issue and inspect from any folder; a changed file fails', () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-license-'));
  const run = (text: string) => spawnSync(bin, text.split(' '), { cwd: folder, encoding: 'utf8' });
  try {
    execFileSync(bin, ['keygen', '--private-key', 'key', '--public-key', 'key.pub'], {
      cwd: folder,
    });
    expect(statSync(join(folder, 'key')).mode & 0o777).toBe(0o600);
    expect(run('keygen --private-key key --public-key key.pub').status).toBe(1);
    expect(run('issue --private-key key --out l.json --data-nodes 3').status).toBe(0);
    const shown = run('inspect l.json --public-key key.pub');
    expect(shown.stderr).toBe('');
    expect(JSON.parse(shown.stdout)).toMatchObject({ dataNodesMax: 3, coresMax: 2 });
    expect(run('issue --private-key key --out x.json --days 0').stderr).toContain(
      '--days must be a whole number above 0, not 0',
    );
    const path = join(folder, 'l.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"signature": "', '"signature": "AA'));
    const changed = run('inspect l.json --public-key key.pub');
    expect(changed.status).toBe(1);
    expect(changed.stderr).toContain('license key verification failed');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
