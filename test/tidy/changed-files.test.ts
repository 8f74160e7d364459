import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { changedFiles } from '../../scripts/changed-files.ts';

let folder = '';

function git(...flags: readonly string[]): void {
  const author = ['-c', 'user.name=a', '-c', 'user.email=a@b'];
  execFileSync('git', [...author, ...flags], { cwd: folder, stdio: 'ignore' });
}

function write(name: string, text = ''): void {
  writeFileSync(join(folder, name), text);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-changed-'));
  git('init', '--initial-branch', 'main');
  for (const name of ['kept.ts', 'changed.ts', 'gone.ts', 'committed.ts']) write(name);
  git('add', '.');
  git('commit', '-m', 'first');
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('changed files: what is committed, changed and new, and not what is gone or came on the base since', () => {
  git('checkout', '-b', 'other');
  write('committed.ts', 'a');
  git('commit', '--all', '-m', 'second');
  git('checkout', 'main');
  write('kept.ts', 'b');
  git('commit', '--all', '-m', 'third');
  git('checkout', 'other');
  write('changed.ts', 'c');
  write('new file.ts');
  rmSync(join(folder, 'gone.ts'));
  expect(changedFiles('main', folder)).toEqual(['changed.ts', 'committed.ts', 'new file.ts']);
});

test('changed files: none where nothing differs, and not told without a base or where a setting has changed', () => {
  expect(changedFiles('main', folder)).toEqual([]);
  expect(changedFiles('origin/main', folder)).toBeUndefined();
  write('.prettierrc.json', '{}');
  expect(changedFiles('main', folder)).toBeUndefined();
});
