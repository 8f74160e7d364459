import { Buffer } from 'node:buffer';
import { expect, test } from 'vitest';
import { MiB } from '../../../base/units.ts';
import { RequestParameters } from './request-parameters.ts';

test('parameters: a form of more than 10 MiB is passed over, and what the address says counts', () => {
  const form = (bytes: number): Buffer => Buffer.from('q=SHOW+DATABASES'.padEnd(bytes, '+'));
  const q = (body: Buffer, url: string): string | undefined =>
    RequestParameters.ofBody({ url, urlParameters: undefined }, body, 'application/x-www-form-urlencoded')?.get('q'); // prettier-ignore
  expect(q(form(16), '/query?q=SHOW+USERS')).toBe('SHOW DATABASES');
  expect(q(form(10 * MiB), '/query')?.trimEnd()).toBe('SHOW DATABASES');
  expect(q(form(10 * MiB + 1), '/query')).toBe('');
  expect(q(form(10 * MiB + 1), '/query?q=SHOW+USERS')).toBe('SHOW USERS');
});
