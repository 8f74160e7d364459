import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { DiskFailures } from './disk-failures.ts';
import type { LogFields } from './log.ts';

const full = new DbError('disk_full', 'write /var/wal/1.wal: no space left on device');

function watched() {
  const at = { nowMs: 0 };
  const lines: string[] = [];
  const line = (message: string, fields: LogFields = {}) => void lines.push(`${message} ${JSON.stringify(fields)}`); // prettier-ignore
  const log = { debug: line, info: line, warn: line, error: line, child: () => log, setLevel: () => undefined }; // prettier-ignore
  return { at, lines, failures: new DiskFailures({ clock: { monotonicMs: () => at.nowMs }, log }) };
}

test('disk failures: said as they begin, every ten seconds, and once they are over', () => {
  const { at, lines, failures } = watched();
  for (at.nowMs = 0; at.nowMs < 15_000; at.nowMs += 10) failures.failed('log', full);
  failures.succeeded('files');
  expect(failures.current).toEqual([{ what: 'log', reason: 'no space left on device' }]);
  failures.succeeded('log');
  failures.succeeded('log');
  expect(failures.current).toEqual([]);
  expect(lines).toEqual([
    `The disk does not take what is written {"what":"log","failures":1,"error":"${full.message}"}`,
    `The disk does not take what is written {"what":"log","failures":1001,"error":"${full.message}"}`,
    'The disk takes what is written again {"what":"log","failures":1500}',
  ]);
});

test('disk failures: what is not of the disk is none, and what failed long ago is not known any more', () => {
  const { at, lines, failures } = watched();
  failures.failed('log', new DbError('queue_full', 'much waits'));
  expect(lines).toEqual([]);
  failures.failed('log', new DbError('io_error', 'sync a: input/output error'));
  at.nowMs = 300_000;
  expect(failures.current).toEqual([{ what: 'log', reason: 'input/output error' }]);
  at.nowMs++;
  expect(failures.current).toEqual([]);
});
