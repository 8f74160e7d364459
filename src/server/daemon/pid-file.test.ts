import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { writePidFile } from './pid-file.ts';

/** Runs as long as this test does. */
const runningPid = process.ppid;
/** More than any system gives. */
const endedPid = 2 ** 30;

let folder = '';
let path = '';

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pid-file-'));
  path = join(folder, 'run', 'influxd.pid');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('pid file: it is there while the node runs, and gone afterwards', () => {
  const takeBack = writePidFile(path, process.pid);
  expect(readFileSync(path, 'utf8')).toBe(`${process.pid}`);
  takeBack();
  expect(existsSync(path)).toBe(false);
});

test('pid file: a second start, which fails, leaves that of the node that runs', () => {
  writePidFile(path, runningPid);
  const takeBack = writePidFile(path, process.pid);
  takeBack();
  expect(readFileSync(path, 'utf8')).toBe(`${runningPid}`);
});

test('pid file: what a node that was killed has left does not come back', () => {
  for (const left of [`${endedPid}`, 'nonsense', '']) {
    const takeBackFirst = writePidFile(path, process.pid);
    takeBackFirst();
    writeFileSync(path, left);
    const takeBack = writePidFile(path, process.pid);
    takeBack();
    expect(existsSync(path)).toBe(false);
  }
});

test('pid file: a node that stops after another one has started over its file leaves it', () => {
  const takeBack = writePidFile(path, process.pid);
  writePidFile(path, runningPid);
  takeBack();
  expect(readFileSync(path, 'utf8')).toBe(`${runningPid}`);
});
