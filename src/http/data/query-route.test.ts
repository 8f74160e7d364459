import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { startOneNode } from '../../../test/support/one-node.ts';
import { KnownTexts } from '../../influxql/known-texts.ts';
import { statementsOf } from './query-route.ts';
import { RequestParameters } from './requests/request-parameters.ts';

test('a byte order mark in front of a statement is no white space', () => {
  const ask = (q: string) => {
    const url = `/query?q=${encodeURIComponent(q)}`;
    return statementsOf(RequestParameters.ofUrl({ url, urlParameters: undefined }), new KnownTexts()); // prettier-ignore
  };
  expect(ask('\u0085\u3000SHOW DATABASES\u0085')).toEqual(ask('SHOW DATABASES'));
  expect(ask('\u0085')).toBe('missing required parameter "q"');
  expect(ask('\ufeffSHOW DATABASES')).toMatch(
    /^error parsing query: found \ufeff, expected SELECT/,
  );
});

test('an empty answer to async=true has the type that was asked for', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'varve-async-'));
  const node = await startOneNode(folder, { workerCount: 1 });
  try {
    const url = `${node.url}/query?q=SHOW+DATABASES&async=true`;
    const typeOf = async (accept: string) => (await fetch(url, { headers: { accept } })).headers.get('content-type'); // prettier-ignore
    expect(await typeOf('text/csv')).toBe('text/csv');
    expect(await typeOf('*/*')).toBe('application/json');
  } finally {
    await node.close();
    rmSync(folder, { recursive: true });
  }
});
