import { expect, test } from 'vitest';
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
