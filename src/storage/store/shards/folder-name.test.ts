import fc from 'fast-check';
import { expect, test } from 'vitest';
import { folderNameOf, nameOfFolder } from './folder-name.ts';

test.each([
  ['telegraf', 'telegraf'],
  ['Größe 1.0', 'Größe 1.0'],
  ['.lock', '%2Elock'],
  ['.', '%2E'],
  ['..', '%2E.'],
  ['../../etc', '%2E.%2F..%2Fetc'],
  ['a\0b%2E', 'a%00b%252E'],
])('folder name: %j is %j', (name, folder) => {
  expect(folderNameOf(name)).toBe(folder);
  expect(nameOfFolder(folder)).toBe(name);
});

test('folder name: any name comes back, leads nowhere else, and has a folder of its own', () => {
  const parts = fc.constantFrom('.', '/', '%', '%2E', '%2e', '\0', 'a', 'A', '..', '2', 'E', 'é');
  const folders = new Map<string, string>();
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 6 }), (list) => {
      const name = list.join('');
      const folder = folderNameOf(name);
      expect(nameOfFolder(folder)).toBe(name);
      expect(folder).not.toMatch(/[/\0]|^\./);
      expect(folders.get(folder) ?? name).toBe(name);
      folders.set(folder, name);
    }),
    { numRuns: 5_000, seed: 1 },
  );
});

test("folder name: a folder that no name makes is nobody's", () => {
  expect(['.git', '%2e', '%41', '%'].map(nameOfFolder)).toEqual([undefined, undefined, undefined, undefined]); // prettier-ignore
});
