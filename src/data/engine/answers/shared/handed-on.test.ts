import { expect, test } from 'vitest';
import { MiB } from '../../../../base/units.ts';
import { SelectAccounts } from '../../../../query/run/select-limits.ts';
import { HandedOn } from './handed-on.ts';

test('handed on: rows of all memtables of an answer together are no more than 64 MiB', () => {
  const account = new SelectAccounts().open();
  const handed = new HandedOn(account);
  handed.chargeKeys(100 * MiB);
  expect(handed.take(40 * MiB)).toBe(true);
  expect(handed.take(40 * MiB)).toBe(false);
  handed.release(20 * MiB);
  expect(handed.take(40 * MiB)).toBe(true);
  expect(account.bytes).toBe(160 * MiB);
  handed.giveBack();
  expect(account.bytes).toBe(0);
});
