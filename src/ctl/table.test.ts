import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('table: columns stand below each other, whatever characters names are of', () => {
  const rows = [
    ['Name', 'Size'],
    ['ab', '1'],
    ['\u{1f600}\u00fc', '2'],
  ];
  expect(formatTable(rows, { widthMin: 0, padding: 2 })).toBe('Name  Size\nab    1\n\u{1f600}\u00fc    2\n'); // prettier-ignore
  expect(formatTable(rows, { widthMin: 8, padding: 2 })).toBe('Name    Size\nab      1\n\u{1f600}\u00fc      2\n'); // prettier-ignore
  expect(formatTable([], { widthMin: 0, padding: 2 })).toBe('');
});
