import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { testdataFolder } from './recorded-set.ts';

export const knownFailuresPath = join(testdataFolder, 'known-failures.txt');
export const deviationsPath = join(testdataFolder, 'deviations.txt');

/** Case numbers, the first word of each line, to the rest of the line. */
export function readCaseList(path: string): Map<number, string> {
  const text = existsSync(path) ? readFileSync(path, 'utf8') : '';
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const [, number = '', note = ''] = /^(\d+)\s*(.*)$/.exec(line) ?? [];
      if (number === '') throw new Error(`${path}: no case number: ${line}`);
      return [Number(number), note];
    }),
  );
}
