import { expect, test } from 'vitest';
import { SelectAccounts } from './select-limits.ts';

const limits = { queryBytesMax: 100, totalBytesMax: 150, pointsMax: 0, seriesMax: 0 };

test('query account: what two threads hold for one query is limited together, and each gives back its own', () => {
  const accounts = SelectAccounts.of(limits);
  const other = new SelectAccounts(accounts.shared);
  const own = accounts.open();
  own.charge(60);
  const helping = other.open(own.share());
  expect(() => {
    helping.charge(41);
  }).toThrow('max-query-memory limit exceeded: (101/100 bytes)');
  helping.charge(40);
  expect(() => {
    own.charge(1);
  }).toThrow('max-query-memory limit exceeded: (101/100 bytes)');
  expect(accounts.bytes).toBe(100);
  helping.close();
  own.charge(40);
  own.close();
  expect(accounts.bytes).toBe(0);
});

test('query account: bytes that all queries together have no room for are not held by the query', () => {
  const accounts = SelectAccounts.of(limits);
  const [first, second] = [accounts.open(), accounts.open()];
  first.charge(90);
  expect(() => {
    second.charge(61);
  }).toThrow(
    'max-total-query-memory limit exceeded: (151/150 bytes); other queries hold most of it, ask again when they have ended',
  );
  expect(second.bytes).toBe(0);
  second.charge(60);
  expect(accounts.bytes).toBe(150);
});
