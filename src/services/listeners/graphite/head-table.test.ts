import { expect, test } from 'vitest';
import { HeadTable } from './head-table.ts';

const bytes = (text: string): Uint8Array => Buffer.from(text);

function found(table: HeadTable, path: string): string | undefined {
  const key = bytes(`<${path}>`);
  if (!table.find(key, 1, key.length - 1)) return undefined;
  return Buffer.from(table.pile.subarray(table.start, table.end)).toString();
}

function add(table: HeadTable, path: string, head: string): void {
  const key = bytes(path);
  table.add(key, 0, key.length, bytes(head));
}

test('head table: finds what was put in, of thousands, and nothing else', () => {
  const table = new HeadTable();
  expect(found(table, '')).toBe(undefined);
  const paths = Array.from({ length: 5_000 }, (_, i) => `servers.h${i}.cpu`);
  for (const path of paths) add(table, path, `${path} value=`);
  for (const path of paths) expect(found(table, path)).toBe(`${path} value=`);
  expect(found(table, 'servers.h5000.cpu')).toBe(undefined);
  add(table, '', 'empty');
  expect(found(table, '')).toBe('empty');
});

test('head table: with too many, or too many bytes, all are forgotten, and the last is there', () => {
  const table = new HeadTable();
  for (let i = 0; i < 263_000; i++) add(table, `p${i}`, 'h');
  expect(table.count).toBe(263_000 - (1 << 18));
  expect([found(table, 'p262999'), found(table, 'p0')]).toEqual(['h', undefined]);
  const long = 'x'.repeat(60_000);
  for (let i = 0; i < 600; i++) add(table, `${i}${long}`, 'h');
  expect(table.pile.length).toBeLessThanOrEqual(1 << 25);
  expect([found(table, `599${long}`), found(table, `0${long}`)]).toEqual(['h', undefined]);
});
