import { expect, test } from 'vitest';
import { shownCommand } from './request-log.ts';

const form = { 'content-type': 'application/x-www-form-urlencoded' };

test.each([
  [undefined, form, '{}'],
  ['addr=h%3A8091&force=true', form, "{'addr': 'h:8091', 'force': 'true'}"],
  ['', form, '{}'],
  // As curl sends it.
  ['{"action":"create","user":{"name":"a","password":"se\\"cret"}}', form, `{'{"action":"create","user":{"name":"a","password":[REDACTED]}}': ''}`], // prettier-ignore
  ['{"user":{"hash" : "$2a$10","name":"a"}}', {}, `{'{"user":{"hash" : [REDACTED],"name":"a"}}': ''}`], // prettier-ignore
  ['{"password":"cut off', {}, `{'{"password":[REDACTED]': ''}`],
  ['config=bind-password+%3D+%22x%22', form, "{'config': '[REDACTED]'}"],
  ['content=AAAA', form, "{'content': '[REDACTED]'}"],
] as const)('request log: of %j no secret is told', (body, headers, text) => {
  expect(shownCommand({ body, headers })).toBe(text);
});

test('request log: a long body is cut', () => {
  expect(shownCommand({ body: 'x'.repeat(9_000), headers: {} })).toHaveLength(1_024 + 3 + 8);
});
