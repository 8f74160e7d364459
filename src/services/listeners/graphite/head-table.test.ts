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

test('head table: when it is full others find no place, until as many were not found', () => {
  const table = new HeadTable();
  const room = 1 << 19;
  for (let i = 0; i < room; i++) add(table, `p${i}`, 'h');
  add(table, 'late', 'made');
  expect([found(table, 'late'), found(table, 'p0'), table.count]).toEqual([undefined, 'h', room]);
  for (let i = 1; i < room; i++) add(table, `q${i}`, 'h');
  expect([found(table, 'p0'), table.count]).toEqual(['h', room]);
  add(table, 'new', 'made');
  expect([found(table, 'new'), found(table, 'p0'), table.count]).toEqual(['made', undefined, 1]);
});

test('head table: a head that finds no place is there until the next one', () => {
  const table = new HeadTable();
  const long = 'x'.repeat(60_000);
  for (let i = 0; i < 1_200; i++) {
    add(table, `${i}${long}`, `head ${i}`);
    const made = Buffer.from(table.pile.subarray(table.start, table.end)).toString();
    expect(made).toBe(`head ${i}`);
  }
  expect(table.pile.length).toBe((1 << 26) + (1 << 18));
  expect([found(table, `1199${long}`), found(table, `0${long}`)]).toEqual([undefined, 'head 0']);
});
