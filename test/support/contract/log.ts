import { expect, test } from 'vitest';
import type { Log } from '../../../src/env/log.ts';
import type { Run } from './harness.ts';

interface LogPorts {
  /** At level info. */
  readonly log: Log;
  /** Lines as they were written, in whatever form. */
  readonly logged: () => readonly string[];
}

export function logContract(name: string, run: Run<LogPorts>): void {
  test(`${name}: a line has its level, its message and its fields, exact ones and no absent ones`, () =>
    run(async ({ log, logged }) => {
      log.warn('disk is slow', { path: '/a', count: 3, index: 9_007_199_254_740_993n, ok: false, gone: undefined }); // prettier-ignore
      expect(logged()).toHaveLength(1);
      const [line] = logged();
      for (const part of [
        'warn',
        'disk is slow',
        'path=/a',
        'count=3',
        'index=9007199254740993',
        'ok=false',
      ])
        // prettier-ignore
        expect(line).toContain(part);
      expect(line).not.toContain('gone');
      await Promise.resolve();
    }));

  test(`${name}: lines below the level are not written; a change of it reaches all relatives`, () =>
    run(async ({ log, logged }) => {
      const child = log.child('store');
      log.debug('one');
      child.debug('two');
      child.setLevel('debug');
      log.debug('three');
      log.setLevel('error');
      child.warn('four');
      child.error('five');
      expect(logged().map((line) => /one|two|three|four|five/.exec(line)?.[0])).toEqual(['three', 'five']); // prettier-ignore
      await Promise.resolve();
    }));

  test(`${name}: a child's lines carry its service, those of its parent do not`, () =>
    run(async ({ log, logged }) => {
      log.child('store').child('wal').info('named');
      log.info('unnamed');
      const [named, unnamed] = logged();
      expect(named).toContain('wal');
      expect(unnamed).not.toMatch(/wal|store/);
      await Promise.resolve();
    }));
}
