import { expect, test } from 'vitest';
import { isEqualData } from './equal-data.ts';

test('equal data: what says the same is equal, and nothing else', () => {
  const data = () => ({ kind: 'and', list: [1n, 'a', { of: Uint8Array.of(1, 2) }], none: undefined, NaN: Number.NaN }); // prettier-ignore
  expect(isEqualData(data(), data())).toBe(true);
  const others = [
    { ...data(), kind: 'or' },
    { ...data(), list: [1n, 'a', { of: Uint8Array.of(1, 3) }] },
    { ...data(), list: [1, 'a', { of: Uint8Array.of(1, 2) }] },
    { ...data(), list: [1n, 'a'] },
    { ...data(), more: 1 },
    { kind: 'and', list: data().list, NaN: Number.NaN, other: undefined },
    null,
    [],
  ];
  for (const other of others) expect(isEqualData(data(), other)).toBe(false);
  expect(isEqualData([0], [-0])).toBe(false);
  expect(isEqualData([1], Uint8Array.of(1))).toBe(false);
});

test('equal data: depth costs no stack', () => {
  const deep = (leaf: number) => {
    let tree: unknown = leaf;
    for (let i = 0; i < 200_000; i++) tree = { left: tree };
    return tree;
  };
  expect(isEqualData(deep(1), deep(1))).toBe(true);
  expect(isEqualData(deep(1), deep(2))).toBe(false);
});
