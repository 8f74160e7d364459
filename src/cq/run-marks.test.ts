import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import type { Command } from '../meta/command/command.ts';
import { marksMax } from '../meta/command/command-shape.ts';
import { RunMarks } from './run-marks.ts';

/** What is told, and a clock that is set by hand. */
class Metas {
  readonly told: (readonly string[])[] = [];
  readonly marks: RunMarks;
  nowMs = 5_000;
  answer: () => Promise<unknown> = () => Promise.resolve();

  constructor() {
    const clock = { monotonicMs: () => this.nowMs } as ConstructorParameters<typeof RunMarks>[0]['clock']; // prettier-ignore
    const execute = (command: Command): Promise<unknown> => {
      if (command.kind === 'mark-continuous-queries')
        this.told.push(command.marks.map(({ name, ranUntilNs }) => `${name} ${ranUntilNs}`));
      return this.answer();
    };
    this.marks = new RunMarks({ clock, execute }, { lease: 'lease' });
    this.marks.use(1);
  }

  set(name: string, ranUntilNs: bigint): void {
    this.marks.set({ database: 'db', name }, ranUntilNs);
  }

  ranUntilNs(name: string): bigint | undefined {
    return this.marks.of({ database: 'db', name, ranUntilNs: 1n }).ranUntilNs;
  }
}

test('run marks: those of more queries than a command takes are told by several, each once', async () => {
  const metas = new Metas();
  for (let i = 0; i < 2 * marksMax + 1; i++) metas.set(`q${i}`, 7n);
  await metas.marks.flush();
  expect(metas.told.map(({ length }) => length)).toEqual([marksMax, marksMax, 1]);
  expect(new Set(metas.told.flat()).size).toBe(2 * marksMax + 1);
  await metas.marks.flush();
  expect(metas.told).toHaveLength(3);
});

test('run marks: they are due when they fill a command, or have waited for a second', async () => {
  const metas = new Metas();
  expect(metas.marks.isDue).toBe(false);
  metas.set('a', 7n);
  metas.nowMs += 999;
  metas.set('b', 7n);
  expect(metas.marks.isDue).toBe(false);
  metas.nowMs += 1;
  expect(metas.marks.isDue).toBe(true);
  await metas.marks.flush();
  expect(metas.marks.isDue).toBe(false);
  for (let i = 0; i < marksMax; i++) {
    expect(metas.marks.isDue).toBe(false);
    metas.set(`q${i}`, 7n);
  }
  expect(metas.marks.isDue).toBe(true);
});

test('run marks: what could not be told is told the next time; of a lease that is lost nothing is', async () => {
  const metas = new Metas();
  metas.answer = () => Promise.reject(new DbError('no_leader', 'none'));
  metas.set('a', 7n);
  await expect(metas.marks.flush()).rejects.toMatchObject({ code: 'no_leader' });
  expect(metas.ranUntilNs('a')).toBe(7n);
  metas.answer = () => Promise.reject(new DbError('lease_lost', 'lost'));
  await expect(metas.marks.flush()).rejects.toMatchObject({ code: 'lease_lost' });
  expect(metas.told).toEqual([['a 7'], ['a 7']]);
  expect(metas.ranUntilNs('a')).toBe(1n);
  await metas.marks.flush();
  expect(metas.told).toHaveLength(2);
});

test('run marks: a later mark that comes while one is told is told, too', async () => {
  const metas = new Metas();
  metas.set('a', 7n);
  metas.answer = () => {
    if (metas.told.length === 1) metas.set('a', 8n);
    return Promise.resolve();
  };
  await metas.marks.flush();
  expect(metas.told).toEqual([['a 7'], ['a 8']]);
});

test('run marks: under another token, or of one made anew, the catalog has the word', () => {
  const metas = new Metas();
  metas.set('a', 7n);
  metas.marks.use(1);
  expect(metas.ranUntilNs('a')).toBe(7n);
  const anew = { database: 'db', name: 'a', createdNs: 9n };
  expect(metas.marks.of(anew)).toEqual({ createdNs: 9n, ranUntilNs: undefined });
  metas.marks.use(2);
  expect(metas.ranUntilNs('a')).toBe(1n);
  expect(metas.marks.isDue).toBe(false);
});
