import { createHmac } from 'node:crypto';

/** One request to a server with `auth-enabled`, and what is looked at of its answer. */
export interface AccessCase {
  readonly name: string;
  readonly method?: string;
  readonly target: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Why ours is another answer. */
  readonly deviation?: string;
}

export interface AccessAnswer {
  readonly status: number;
  readonly body: string;
  readonly challenge: string | null;
  readonly error: string | null;
}

export const sharedSecret = 'of users';

/** Claims that no clock changes the meaning of. */
const far = 32_503_680_000;

function part(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString(
    'base64url',
  );
}

function token(
  claims: unknown,
  head: unknown = { alg: 'HS256', typ: 'JWT' },
  secret = sharedSecret,
): string {
  const signed = `${part(head)}.${part(claims)}`;
  const alg = (head as { readonly alg?: string } | null)?.alg ?? '';
  const digest = `sha${/^HS(\d+)$/.exec(alg)?.[1] ?? '256'}`;
  return `${signed}.${createHmac(digest, secret).update(signed).digest('base64url')}`;
}

const basic = (text: string) => ({
  Authorization: `Basic ${Buffer.from(text).toString('base64')}`,
});
const header = (Authorization: string) => ({ Authorization });
const bearer = (text: string) => header(`Bearer ${text}`);
const [root, reader, writer, none] = ['root:secret', 'reader:r1', 'writer:w1', 'none:n1'].map(
  basic,
);
const show = '/query?q=SHOW+DATABASES';
const q = (text: string, database = 'd') => `/query?db=${database}&q=${encodeURIComponent(text)}`;

/** Before any user is there, in this order. */
const first: readonly AccessCase[] = [
  { name: 'no users: a statement', target: show },
  { name: 'no users: a wrong password counts for nothing', target: show, headers: basic('a:b') },
  {
    name: 'no users: a user who is no admin',
    method: 'POST',
    target: q(`CREATE USER reader WITH PASSWORD 'r1'`),
  },
  { name: 'no users: a write', method: 'POST', target: '/write?db=d', body: 'm v=1 1' },
  { name: 'no users: ping', target: '/ping' },
  { name: 'no users: profiles', target: '/debug/vars' },
  { name: 'no users: buckets', target: '/api/v2/buckets' },
  {
    name: 'no users: the first admin, and what stands behind it',
    method: 'POST',
    target: q(
      `CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES; CREATE DATABASE d; CREATE DATABASE e; SHOW DATABASES`,
    ),
  },
];

const users: readonly AccessCase[] = [
  ...[
    `CREATE USER reader WITH PASSWORD 'r1'`,
    `CREATE USER writer WITH PASSWORD 'w1'`,
    `CREATE USER none WITH PASSWORD 'n1'`,
    'GRANT READ ON d TO reader',
    'GRANT WRITE ON d TO writer',
    'CREATE RETENTION POLICY p ON d DURATION 0s REPLICATION 1',
  ].map((text) => ({
    name: `root: ${text}`,
    method: 'POST',
    target: q(text),
    headers: root ?? {},
  })),
  {
    name: 'root writes',
    method: 'POST',
    target: '/write?db=d',
    body: 'm v=1 1',
    headers: root ?? {},
  },
];

const credentials: readonly AccessCase[] = [
  { name: 'none', target: show },
  { name: 'none, of a write', method: 'POST', target: '/write?db=d', body: 'm v=1 1' },
  {
    name: 'none, of a write to a database that is not there',
    method: 'POST',
    target: '/write?db=no',
    body: 'm v=1 1',
  },
  { name: 'none, as CSV', target: show, headers: { Accept: 'text/csv' } },
  { name: 'none, pretty', target: `${show}&pretty=true` },
  { name: 'none, of flux', method: 'POST', target: '/api/v2/query', body: '' },
  { name: 'none, at no address', target: '/none' },
  { name: 'none, with a method that is not there', method: 'PUT', target: '/query' },
  { name: 'none, of a ping', target: '/ping' },
  { name: 'u and p', target: `${show}&u=root&p=secret` },
  { name: 'u and p come before a header', target: `${show}&u=root&p=no`, headers: root ?? {} },
  { name: 'u alone is none', target: `${show}&u=root`, headers: root ?? {} },
  { name: 'p alone', target: `${show}&p=secret` },
  {
    name: 'u and p in a form',
    method: 'POST',
    target: show,
    body: 'u=root&p=secret',
    headers: { 'Content-Type': 'application/x-www-form-urlencoded' },
  },
  { name: 'basic', target: show, headers: root ?? {} },
  {
    name: 'basic in small letters',
    target: show,
    headers: header(`basic ${Buffer.from('root:secret').toString('base64')}`),
  },
  { name: 'basic, wrong', target: show, headers: basic('root:no') },
  { name: 'basic, no such user', target: show, headers: basic('nobody:no') },
  { name: 'basic without a name', target: show, headers: basic(':secret') },
  { name: 'basic without a password', target: show, headers: basic('root:') },
  { name: 'basic without a colon', target: show, headers: basic('root') },
  { name: 'basic, no base64', target: show, headers: header('Basic !!') },
  { name: 'basic without padding', target: show, headers: header('Basic cm9vdDpzZWNyZXQ6MQ') },
  { name: 'token', target: show, headers: header('Token root:secret') },
  { name: 'token, wrong', target: show, headers: header('Token root:no') },
  { name: 'token without a colon', target: show, headers: header('Token root') },
  { name: 'token in small letters', target: show, headers: header('token root:secret') },
  { name: 'another scheme', target: show, headers: header('Digest root:secret') },
];

const tokens: readonly AccessCase[] = (
  [
    ['HS256', token({ username: 'root', exp: far })],
    ['HS384', token({ username: 'root', exp: far }, { alg: 'HS384' })],
    ['HS512', token({ username: 'reader', exp: far }, { alg: 'HS512' })],
    ['another secret', token({ username: 'root', exp: far }, { alg: 'HS256' }, 'other')],
    ['another secret and expired', token({ username: 'root', exp: 1 }, { alg: 'HS256' }, 'other')],
    ['expired', token({ username: 'root', exp: 1 })],
    ['no end', token({ username: 'root' })],
    ['an end of 0', token({ username: 'root', exp: 0 })],
    ['an end that is negative', token({ username: 'root', exp: -1 })],
    ['an end that is no number', token({ username: 'root', exp: 'x' })],
    ['an end after the end of time', token({ username: 'root', exp: 1e19 })],
    ['an end far after the end of time', token({ username: 'root', exp: 1e300 })],
    ['an end in nanoseconds', token({ username: 'root', exp: far * 1e6 })],
    ['begins after the end of time', token({ username: 'root', exp: far, nbf: 1e19, iat: 1e300 })],
    ['not yet', token({ username: 'root', exp: far, nbf: far })],
    ['made later', token({ username: 'root', exp: far, iat: far })],
    ['expired, made later and not yet', token({ username: 'root', exp: 1, iat: far, nbf: far })],
    ['no user', token({ exp: far })],
    ['a user that is no text', token({ username: 1, exp: far })],
    ['an empty user', token({ username: '', exp: far })],
    ['a user who is not there', token({ username: 'nobody', exp: far })],
    ['no method', token({ username: 'root', exp: far }, { typ: 'JWT' })],
    ['method none', token({ username: 'root', exp: far }, { alg: 'none' })],
    ['method RS256', token({ username: 'root', exp: far }, { alg: 'RS256' })],
    ['a method that is not there', token({ username: 'root', exp: far }, { alg: 'toString' })],
    ['a head of null', token({ username: 'root', exp: far }, null)],
    ['claims of null', token(null)],
    ['two segments', 'a.b'],
    ['four segments', `${token({ username: 'root', exp: far })}.x`],
    ['a head that is no base64', `!.${part({})}.x`],
    ['a head that is cut', `abcde.${part({})}.x`],
    ['a signature that is no base64', `${part({ alg: 'HS256' })}.${part({})}.a!`],
    ['an empty signature', `${part({ alg: 'HS256' })}.${part({})}.`],
  ] as const
).map(([name, text]) => ({ name: `bearer: ${name}`, target: show, headers: bearer(text) }));

/** A name and a password with bytes that are no UTF-8: the statement has another character for each. */
const bytes: readonly AccessCase[] = [
  {
    name: 'bytes: a user',
    method: 'POST',
    target: `/query?q=CREATE+USER+%22b%ff%22+WITH+PASSWORD+%27%fe%27`,
    headers: root ?? {},
  },
  ...[
    ['as the statement has them', '62efbfbd3aefbfbd'],
    ['the very bytes', '62ff3afe'],
    ['another name', '62fc3aefbfbd'],
    ['another password', '62efbfbd3afc'],
  ].flatMap(([name, hex = '']) => {
    const text = Buffer.from(hex, 'hex');
    const [user, password] = ['62' + hex.slice(2, hex.indexOf('3a')), hex.slice(hex.indexOf('3a') + 2)].map((one) => one.replaceAll(/../g, '%$&')); // prettier-ignore
    return [
      { name: `bytes: ${name}, basic`, target: show, headers: { Authorization: `Basic ${text.toString('base64')}` } },
      { name: `bytes: ${name}, u and p`, target: `${show}&u=${user}&p=${password}` },
    ]; // prettier-ignore
  }),
  {
    name: 'bytes: none of whom may write',
    method: 'POST',
    target: '/write?db=d',
    body: 'm v=1 1',
    headers: basic('b\ufffd:\ufffd'),
  },
  {
    name: 'bytes: a name that prints as nothing',
    method: 'POST',
    target: q(`CREATE USER "\u202e" WITH PASSWORD 'x'`),
    headers: root ?? {},
  },
  {
    name: 'bytes: which may not write either',
    method: 'POST',
    target: '/write?db=d',
    body: 'm v=1 1',
    headers: basic('\u202e:x'),
  },
];

const brokenJson: AccessCase = {
  name: 'bearer: a head that is no JSON',
  target: show,
  headers: bearer(`${part('x')}.${part({})}.x`),
  deviation: 'the text of Go about what is no JSON',
};

const statements = [
  'SHOW DATABASES',
  'SELECT v FROM m',
  'SELECT v FROM e..m',
  'SELECT v INTO n FROM m',
  'SELECT v FROM m; DROP DATABASE d',
  'SHOW MEASUREMENTS',
  'SHOW RETENTION POLICIES',
  'SHOW CONTINUOUS QUERIES',
  'SHOW USERS',
  'SHOW GRANTS FOR reader',
  'SHOW STATS',
  'EXPLAIN SELECT v FROM e..m',
  'DELETE FROM n WHERE time < 0',
  'DROP SERIES FROM n',
  'DROP MEASUREMENT n',
  'DROP RETENTION POLICY none ON d',
  'DROP RETENTION POLICY none ON e',
  `SET PASSWORD FOR reader = 'x'`,
  `CREATE USER x WITH PASSWORD 'y'`,
  'KILL QUERY 999',
  'CREATE DATABASE f',
];

const asked: readonly AccessCase[] = (
  [
    ['reader', reader],
    ['writer', writer],
    ['none', none],
  ] as const
).flatMap(([who, headers = {}]) => [
  ...statements.map((text) => ({
    name: `${who}: ${text}`,
    method: 'POST',
    target: q(text),
    headers,
  })),
  { name: `${who} writes`, method: 'POST', target: '/write?db=d', body: 'm v=2 2', headers },
  { name: `${who} writes to e`, method: 'POST', target: '/write?db=e', body: 'm v=2 2', headers },
  {
    name: `${who} writes without a database`,
    method: 'POST',
    target: '/write',
    body: 'm v=2 2',
    headers,
  },
  {
    name: `${who} deletes`,
    method: 'POST',
    target: '/api/v2/delete?bucket=d/autogen',
    body: '{"start":"1960-01-01T00:00:00Z","stop":"1961-01-01T00:00:00Z"}',
    headers,
  },
  { name: `${who} lists buckets`, target: '/api/v2/buckets', headers },
  { name: `${who} looks at a bucket`, target: '/api/v2/buckets/d%2Fp', headers },
  {
    name: `${who} makes a bucket`,
    method: 'POST',
    target: '/api/v2/buckets',
    body: '{"name":"d/x"}',
    headers,
  },
  {
    name: `${who} makes a database`,
    method: 'POST',
    target: '/api/v2/buckets',
    body: '{"name":"f/x"}',
    headers,
  },
  {
    name: `${who} changes a bucket`,
    method: 'PATCH',
    target: '/api/v2/buckets/d%2Fp',
    body: '{}',
    headers,
  },
  { name: `${who} drops a bucket`, method: 'DELETE', target: '/api/v2/buckets/d%2Fp', headers },
  { name: `${who} asks for profiles`, target: '/debug/requests?seconds=0', headers },
]);

const changed: readonly AccessCase[] = [
  { name: 'root asks for profiles', target: '/debug/requests?seconds=0', headers: root ?? {} },
  {
    name: 'root gives reader another password',
    method: 'POST',
    target: q(`SET PASSWORD FOR reader = 'r2'`),
    headers: root ?? {},
  },
  {
    name: 'reader with the password of before',
    target: q('SELECT v FROM m'),
    headers: reader ?? {},
  },
  {
    name: 'reader with the new password',
    target: q('SELECT v FROM m'),
    headers: basic('reader:r2'),
  },
  {
    name: 'root takes reading from reader',
    method: 'POST',
    target: q('REVOKE READ ON d FROM reader'),
    headers: root ?? {},
  },
  {
    name: 'reader may not read any more',
    target: q('SELECT v FROM m'),
    headers: basic('reader:r2'),
  },
  { name: 'root drops reader', method: 'POST', target: q('DROP USER reader'), headers: root ?? {} },
  { name: 'reader is no more', target: q('SELECT v FROM m'), headers: basic('reader:r2') },
  {
    name: 'root is made no admin',
    method: 'POST',
    target: q('REVOKE ALL PRIVILEGES FROM root'),
    headers: root ?? {},
  },
  { name: 'without an admin: a statement', target: show, headers: root ?? {} },
  {
    name: 'without an admin: another admin',
    method: 'POST',
    target: q(`CREATE USER r WITH PASSWORD 'x' WITH ALL PRIVILEGES`),
  },
  { name: 'without an admin: a write', method: 'POST', target: '/write?db=d', body: 'm v=1 1' },
  {
    name: 'without an admin: a delete',
    method: 'POST',
    target: '/api/v2/delete?bucket=d/autogen',
    body: '{}',
  },
  { name: 'without an admin: buckets', target: '/api/v2/buckets' },
];

export const accessCases: readonly AccessCase[] = [
  ...first,
  ...users,
  ...credentials,
  ...tokens,
  ...bytes,
  brokenJson,
  ...asked,
  ...changed,
];

/** With `ping-auth-enabled` and `prom-read-auth-enabled` as well, without `shared-secret`. */
export const guardedCases: readonly AccessCase[] = [
  { name: 'guarded: ping without an admin', target: '/ping' },
  {
    name: 'guarded: a read of Prometheus without an admin',
    method: 'POST',
    target: '/api/v1/prom/read?db=d&rp=autogen',
    body: '\0',
  },
  {
    name: 'guarded: users',
    method: 'POST',
    target: q(
      `CREATE USER root WITH PASSWORD 'secret' WITH ALL PRIVILEGES; CREATE USER none WITH PASSWORD 'n1'; CREATE USER reader WITH PASSWORD 'r1'; CREATE DATABASE d; GRANT READ ON d TO reader`,
    ),
  },
  ...['/ping', '/status', '/health', '/metrics'].map((target) => ({
    name: `guarded: ${target} of nobody`,
    target,
  })),
  { name: 'guarded: ping with a wrong password', target: '/ping', headers: basic('root:no') },
  { name: 'guarded: ping of one who may nothing', target: '/ping', headers: none ?? {} },
  { name: 'guarded: HEAD of nobody', method: 'HEAD', target: '/ping' },
  {
    name: 'guarded: bearer without a secret',
    target: '/ping',
    headers: bearer(token({ username: 'root', exp: far })),
  },
  ...(
    [
      ['root', root],
      ['reader', reader],
      ['none', none],
    ] as const
  ).map(([who, headers = {}]) => ({
    name: `guarded: ${who} reads as Prometheus does`,
    method: 'POST',
    target: '/api/v1/prom/read?db=d&rp=autogen',
    body: '\0',
    headers,
  })),
];

export async function askAccess(url: string, one: AccessCase): Promise<AccessAnswer> {
  const { method = 'GET', target, body, headers = {} } = one;
  const response = await fetch(`${url}${target}`, {
    method,
    headers,
    ...(body !== undefined && { body }),
  });
  const text = await response.text();
  return {
    status: response.status,
    body: text,
    challenge: response.headers.get('www-authenticate'),
    error: response.headers.get('x-influxdb-error'),
  };
}
