import { Buffer } from 'node:buffer';
import type { FastifyRequest } from 'fastify';
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

/** Of a body of several parts, each name, file or none, and value. */
async function ofParts(
  parts: readonly (readonly [name: string, file: string | undefined, value: string])[],
  { url = '/query', end = '--b--\r\n' } = {},
): Promise<RequestParameters> {
  const texts = parts.map(([name, file, value]) => {
    const said = file === undefined ? '' : `; filename="${file}"`;
    return `--b\r\nContent-Disposition: form-data; name="${name}"${said}\r\nContent-Type: application/octet-stream\r\n\r\n${value}\r\n`;
  });
  const body = Buffer.from(texts.join('') + end);
  const headers = { 'content-type': 'multipart/form-data; boundary=b' };
  return RequestParameters.ofRequest({ url, headers, body } as unknown as FastifyRequest);
}

test('parameters: of several parts fields count, and of files the query alone', async () => {
  const parameters = await ofParts([
    ['q', 'q.txt', 'SHOW USERS'],
    ['db', 'db.txt', 'd'],
    ['epoch', '', 's'],
    ['rp', undefined, 'r'],
  ]);
  const named = ['q', 'db', 'epoch', 'rp'].map((name) => parameters.get(name));
  expect(named).toEqual(['', '', 's', 'r']);
  expect(parameters.queryFile).toBe('SHOW USERS');
});

test('parameters: nothing of a body that breaks off counts, but what the address says', async () => {
  const parts = [['q', undefined, 'DROP DATABASE d'], ['q', 'q.txt', 'DROP DATABASE d']] as const; // prettier-ignore
  const cut = await ofParts(parts, { url: '/query?db=x', end: '--b\r\nContent-Dispo' });
  expect([cut.get('q'), cut.queryFile, cut.get('db')]).toEqual(['', undefined, 'x']);
});
