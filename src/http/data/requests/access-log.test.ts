import { expect, test } from 'vitest';
import { AccessLog, accessLogLine, type LoggedRequest } from './access-log.ts';
import { parseForm } from './form-values.ts';

const answer = { httpVersion: '1.1', status: 200, lengthBytes: 84, requestId: 'id', elapsedMs: 0.4459 }; // prettier-ignore
/** 28/Nov/2026:14:44:46 */
const endNs = 1_795_877_086_900_000_000n;

function lineOf(method: string, url: string, more: Partial<LoggedRequest> = {}): string {
  const request = { method, url, ip: '127.0.0.1', headers: {}, urlParameters: undefined, ...more };
  return accessLogLine(request, answer, endNs);
}

const form = (text: string) => ({ form: parseForm(text) });

test('access log: lines are those of a real 1.12.4 for the same requests', () => {
  const curl = { headers: { 'user-agent': 'curl/7.88.1' } };
  expect(lineOf('GET', '/query?u=bob&p=secret&q=show+databases', curl)).toBe(
    '127.0.0.1 - bob [28/Nov/2026:14:44:46 +0000] "GET /query?p=%5BREDACTED%5D&q=show+databases&u=bob HTTP/1.1" 200 84 "-" "curl/7.88.1" id 445',
  );
  const check = (line: string, shown: string): void => {
    expect(/"(\S+ .*?)" 200 /.exec(line)?.[1]).toBe(shown);
  };
  check(
    lineOf('POST', '/query', form('q=create+database+d1&u=bob&p=x')),
    "POST /query HTTP/1.1 {'q': 'create database d1'}, {'u': 'bob'}, {'p': '[REDACTED]'}",
  );
  check(
    lineOf('POST', '/write?db=d1&p=x&precision=ns'),
    'POST /write?db=d1&p=%5BREDACTED%5D&precision=ns HTTP/1.1 ',
  );
  check(lineOf('POST', '/write?db=d1'), 'POST /write?db=d1 HTTP/1.1 ');
  check(
    lineOf('GET', '/query?q=SET+PASSWORD+FOR+x+=+%27hidden2%27'),
    'GET /query?q=SET+PASSWORD+FOR+x+%3D+%5BREDACTED%5D HTTP/1.1',
  );
  check(lineOf('GET', '/query?db=d1&q=select+*+from+m'), 'GET /query?db=d1&q=select+%2A+from+m HTTP/1.1'); // prettier-ignore
  check(lineOf('HEAD', '/ping'), 'HEAD /ping HTTP/1.1');
});

test('access log: who asked stands there with those that forwarded it, and a Unix socket as @', () => {
  const from = (more: Partial<LoggedRequest>) => lineOf('GET', '/ping', more).split(' [')[0];
  expect(from({ headers: { 'x-forwarded-for': '1.2.3.4' } })).toBe('1.2.3.4,127.0.0.1 - -');
  expect(from({ ip: '' })).toBe('@ - -');
  expect(from({ ip: '::ffff:10.0.0.7' })).toBe('10.0.0.7 - -');
  expect(from({ ip: '::1', headers: { authorization: `Basic ${btoa('me:pw')}` } })).toBe(
    '::1 - me',
  );
});

test.each([
  ['q=CREATE+USER+x+WITH+PASSWORD+%27hid+den%27', "{'q': 'CREATE USER x WITH PASSWORD [REDACTED]'}"], // prettier-ignore
  ['q=set+password+for+%22a+b%22+%3D+%27hid%5C%27den%27', `{'q': 'set password for "a b" = [REDACTED]'}`], // prettier-ignore
  ['q=create+user+x+with+password+hidden', "{'q': 'create user x with password [REDACTED]'}"], // prettier-ignore
  ['P=hidden', "{'P': '[REDACTED]'}"],
  ['db=a%0A127.0.0.1+-+forged', String.raw`{'db': 'a\n127.0.0.1 - forged'}`],
])('access log: a form with %s has no password and no second line', (text, shown) => {
  const line = lineOf('POST', '/query', form(text));
  expect(line).toContain(`HTTP/1.1 ${shown}" 200`);
  expect(line).not.toMatch(/hid|\n/);
});

test('access log: a name that somebody gives begins no line, whether or not it is a user’s', () => {
  const basic = { headers: { authorization: `Basic ${btoa('me\nforged:pw')}` } };
  for (const line of [lineOf('GET', '/ping', basic), lineOf('GET', '/query?u=me%0Aforged&p=x')])
    expect(line).toMatch(/^127\.0\.0\.1 - me\\nforged \[.*$/);
});

test('access log: passwords that are parameters of a statement are hidden', () => {
  const [q, params] = ['q=CREATE+USER+x+WITH+PASSWORD+$p', 'params=%7B%22p%22:%22hidden%22%7D'];
  for (const line of [
    lineOf('POST', `/query?${q}&${params}`),
    lineOf('POST', '/query', form(`${q}&${params}`)),
    lineOf('POST', `/query?${params}`, form(q)),
  ])
    expect(line).not.toContain('hidden');
  expect(lineOf('GET', `/query?q=SELECT+$p+FROM+m&${params}`)).toContain('hidden');
});

test('access log: bytes that are no text do not stop a line', () => {
  expect(lineOf('GET', '/query?q=%ff%00&p=%')).toContain('GET /query?q=%EF%BF%BD%00 HTTP');
});

test('access log: filters of statuses and suppress-write-log leave lines out, both for all they name', () => {
  const taken = (statusFilters: readonly string[], leavesWritesOut: boolean) => {
    const log = new AccessLog(() => undefined, { isEnabled: true, statusFilters, leavesWritesOut });
    return ['GET /query', 'POST /query', 'POST /write', 'POST /api/v2/write', 'POST /api/v1/prom/write'] // prettier-ignore
      .map((what) => what.split(' '))
      .flatMap(([method = '', url = '']) =>
        [204, 404, 503].map((status) => (log.takes({ method, url }, status) ? status : 0)),
      );
  };
  const all = [204, 404, 503];
  const none = [0, 0, 0];
  expect(taken([], false)).toEqual([...all, ...all, ...all, ...all, ...all]);
  expect(taken([], true)).toEqual([...all, ...all, ...none, ...none, ...all]);
  expect(taken(['4xx', '50X', '2xx'], true).slice(0, 3)).toEqual(all);
  expect(taken(['40x', '503'], false).slice(0, 3)).toEqual([0, 404, 503]);
  const off = new AccessLog(() => undefined, { isEnabled: false, statusFilters: [], leavesWritesOut: false }); // prettier-ignore
  expect(off.takes({ method: 'GET', url: '/ping' }, 204)).toBe(false);
});
