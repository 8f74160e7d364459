import {
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Disk, DiskFile } from '../../env/disk.ts';
import { NodeDisk } from '../../env/node/node-disk.ts';
import { Latch } from '../../base/async/latch.ts';
import { LogFile } from './log-file.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-log-file-'));
  path = join(folder, 'access.log');
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** A disk that says no, or nothing, when a test wants it to, and timers that a test lets run out. */
async function world() {
  const inner = new NodeDisk();
  const state = {
    code: '',
    hangs: undefined as Latch<undefined> | undefined,
    opened: 0,
    tornAfter: -1,
  };
  const told: string[] = [];
  const timers: (() => void)[] = [];
  const check = async (): Promise<void> => {
    await state.hangs?.promise;
    if (state.code !== '') throw new Error(state.code);
  };
  const wrap = (file: DiskFile): DiskFile => ({
    ...file,
    path: file.path,
    get lengthBytes() {
      return file.lengthBytes;
    },
    append: async (parts) => {
      await check();
      if (state.tornAfter < 0) return file.append(parts);
      await file.append([Buffer.concat(parts).subarray(0, state.tornAfter)]);
      throw new Error('ENOSPC');
    },
    readAt: (offset, into) => file.readAt(offset, into),
    close: () => file.close(),
  });
  const disk: Pick<Disk, 'open' | 'size'> = {
    open: async (at, mode) => {
      await check();
      state.opened++;
      return wrap(await inner.open(at, mode));
    },
    size: (at) => inner.size(at),
  };
  const log = {
    error: (message: string) => told.push(message),
    warn: (message: string, fields?: object) => told.push(`${message} ${JSON.stringify(fields)}`),
  };
  const clock = {
    after: (_ms: number, run: () => void) => {
      timers.push(run);
      return { cancel: () => timers.splice(timers.indexOf(run), 1) };
    },
  };
  const file = await LogFile.open({ clock, disk, log }, path);
  return { file, state, told, runTimers: () => timers.splice(0).forEach((run) => run()), timers };
}

const text = (at = path) => readFileSync(at, 'utf8');

test('log file: lines go behind those that are there, in order, and all of them before it is closed', async () => {
  writeFileSync(path, 'old\n');
  const { file } = await world();
  for (let i = 0; i < 500; i++) file.write(`${i} é\n`);
  await file.close();
  expect(text()).toBe(`old\n${Array.from({ length: 500 }, (_, i) => `${i} é\n`).join('')}`);
});

test('log file: a line longer than all that may wait is written, where nothing does', async () => {
  const { file, told } = await world();
  const long = `${'q'.repeat(3_000_000)}\n`;
  file.write(long);
  file.write('over\n');
  // Told of once the first one is written.
  await expect.poll(() => told.length).toBe(1);
  file.write('two\n');
  await file.close();
  expect(text()).toBe(`${long}two\n`);
  expect(told).toEqual([`Log lines could not be written {"path":"${path}","count":1}`]);
});

test('log file: one that was renamed is written to until it is opened anew', async () => {
  const { file } = await world();
  file.write('1\n');
  await expect.poll(() => text()).toBe('1\n');
  renameSync(path, `${path}.1`);
  file.write('2\n');
  await expect.poll(() => text(`${path}.1`)).toBe('1\n2\n');
  file.reopen();
  file.write('3\n');
  await file.close();
  expect([text(`${path}.1`), text()]).toEqual(['1\n2\n', '3\n']);
});

test('log file: one that was cut short gets no hole', async () => {
  const { file } = await world();
  file.write('a long line\n');
  await expect.poll(() => text()).toBe('a long line\n');
  truncateSync(path, 0);
  file.write('next\n');
  await file.close();
  expect(text()).toBe('next\n');
});

test('log file: a full disk is told of once, and what waited is written when it has room again', async () => {
  const { file, state, told, timers, runTimers } = await world();
  state.code = 'ENOSPC';
  file.write('1\n');
  await expect.poll(() => timers.length).toBe(1);
  file.write('2\n');
  runTimers();
  await expect.poll(() => timers.length).toBe(1);
  expect(told).toEqual(['A log file cannot be written']);
  state.code = '';
  runTimers();
  await file.close();
  expect(text()).toBe('1\n2\n');
});

test.each([0, 3, 5, 8, 10])(
  'log file: a disk that takes %d bytes and fails has each line once',
  async (tornAfter) => {
    writeFileSync(path, 'old\n');
    const { file, state, timers, runTimers } = await world();
    state.tornAfter = tornAfter;
    file.write('1 é\n');
    file.write('2 é\n');
    await expect.poll(() => timers.length).toBe(1);
    file.write('3\n');
    state.tornAfter = -1;
    runTimers();
    await file.close();
    expect(text()).toBe('old\n1 é\n2 é\n3\n');
  },
);

test('log file: what a failure left in a file that has been renamed is written anew to the next one', async () => {
  const { file, state, timers } = await world();
  state.tornAfter = 1;
  file.write('1\n');
  await expect.poll(() => timers.length).toBe(1);
  state.tornAfter = -1;
  renameSync(path, `${path}.1`);
  writeFileSync(path, 'x');
  file.reopen();
  await file.close();
  expect([text(`${path}.1`), text()]).toEqual(['1', 'x1\n']);
});

test('log file: behind a disk that hangs lines wait up to a bound, and those beyond it are counted', async () => {
  const { file, state, told } = await world();
  state.hangs = new Latch<undefined>();
  const line = `${'x'.repeat(99_999)}\n`;
  for (let i = 0; i < 13; i++) file.write(line);
  state.hangs.open(undefined);
  state.hangs = undefined;
  await expect.poll(() => told.length).toBe(1);
  await file.close();
  expect(text().length).toBe(1_000_000);
  expect(told[0]).toContain('"count":3');
});

test('log file: a folder that has gone stops nothing; back again it gets the lines at SIGHUP', async () => {
  const { file, told, timers } = await world();
  rmSync(folder, { recursive: true });
  file.reopen();
  file.write('1\n');
  await expect.poll(() => timers.length).toBe(1);
  expect(told).toEqual(['A log file cannot be written']);
  await new NodeDisk().makeDir(folder);
  file.reopen();
  await file.close();
  expect(text()).toBe('1\n');
});
