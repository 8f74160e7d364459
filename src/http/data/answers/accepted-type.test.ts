import { expect, test } from 'vitest';
import { acceptedType } from './accepted-type.ts';

test('accepted type: the heaviest that we have, JSON otherwise', () => {
  const check = (accept: string, want: string) => {
    expect(acceptedType(accept), accept).toBe(want);
  };
  check('', 'application/json');
  check('*/*', 'application/json');
  check('text/html', 'application/json');
  check('text/*', 'text/csv');
  check('application/csv', 'application/csv');
  check('Text/CSV; q=0.5', 'text/csv');
  check('text/html, application/csv', 'application/csv');
  check('application/json, text/csv', 'application/json');
  check('application/json;q=0.1, text/csv;q=0.2', 'text/csv');
});
