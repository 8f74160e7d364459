import { expect, test } from 'vitest';
import { DbError } from '../base/errors.ts';
import { readCheckedLine } from './checked-line.ts';

const whole = Buffer.from('2445d8ce [[7,12]]\n');

/** What a file with these bytes, or that fails so, says, and what the log does. */
async function read(found: Uint8Array | DbError): Promise<readonly unknown[]> {
  const said: string[] = [];
  const disk = { readFile: () => found instanceof DbError ? Promise.reject(found) : Promise.resolve(found) }; // prettier-ignore
  const log = { warn: (message: string) => void said.push(message) };
  return [await readCheckedLine({ disk, log }, 'f'), ...said];
}

test('checked line: what is whole is what was written, what is not there says nothing, and damage is told', async () => {
  expect(await read(whole)).toEqual([[[7, 12]]]);
  expect(await read(new DbError('not_found', 'f'))).toEqual([undefined]);
  const damaged = [undefined, 'What the run before has noted is damaged'];
  expect(await read(whole.subarray(0, 0))).toEqual(damaged);
  for (let at = 0; at < whole.length - 1; at++) {
    expect(await read(whole.subarray(0, at))).toEqual(damaged);
    const bytes = Buffer.from(whole);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    if (at !== 8) expect(await read(bytes), `byte ${at}`).toEqual(damaged);
  }
  expect(await read(new DbError('io_error', 'f'))).toEqual([undefined, 'What the run before has noted cannot be read']); // prettier-ignore
});
