import { createHmac } from 'node:crypto';
import { Buffer } from 'node:buffer';
import type { SentStep } from '../send-step.ts';
import type { RandomChoice } from './random-choice.ts';
import type { LifeStep } from './random-lives.ts';

/** `[http] shared-secret` of both. */
export const usersSecret = 'of users';

/** Of the one admin whom nobody takes anything from before the end. */
const keeper = { name: 'keeper', password: 'kept' } as const;
const names = ['ann', 'bob', 'é u', 'a:b'];
const passwords = ['p1', 'p2', 'a:b%41', `it's "`, 'пароль', 'x'.repeat(72), 'x'.repeat(73), ''];
const databases = ['ua', 'ub'];
const privileges = ['READ', 'WRITE', 'ALL', 'ALL PRIVILEGES'];
/** In the year 3000. */
const farS = 32_503_680_000;

interface Login {
  readonly name: string;
  readonly password: string;
}

/**
 * The life of the users of a server with `auth-enabled`, from the first admin to the last: they are made, dropped and made again, what they may do
 * changes, and they ask and write meanwhile, with right passwords and wrong ones, in each way that there is to say who one is.
 */
export function usersLife(
  random: RandomChoice,
  { copyCount }: { readonly copyCount: number },
): readonly LifeStep[] {
  /** As far as the statements that were sent have them. */
  const known = new Map<string, string>();
  const anybody = (): Login => {
    const name = random.chance(0.2) ? random.of([...names, 'nobody', '']) : random.of([...known.keys(), keeper.name, ...names]); // prettier-ignore
    if (name === keeper.name && random.chance(0.9)) return keeper;
    const right = known.get(name);
    return { name, password: right === undefined || random.chance(0.15) ? random.of(passwords) : right }; // prettier-ignore
  };
  const changing = (text: string, login: Login = keeper): readonly LifeStep[] => {
    const { headers, params } = signed(random, login);
    const step: SentStep = { method: 'POST', path: '/query', params: { q: text, ...params }, headers }; // prettier-ignore
    return [{ kind: 'change', text: `${login.name}: ${text}`, step }, overview()];
  };
  const change = (): readonly LifeStep[] => {
    const [name, other] = [random.of(names), random.of(names)];
    const [user, database] = [quoted(name), random.of([...databases, ...databases, 'nosuch'])];
    const password = random.of(passwords);
    // Whoever may not do it changes nothing.
    const by = random.chance(0.85) ? keeper : anybody();
    return random.of<() => readonly LifeStep[]>([
      () => {
        if (!known.has(name)) known.set(name, password);
        const made = `CREATE USER ${user} WITH PASSWORD ${text(password)}${random.maybe(0.15, () => ' WITH ALL PRIVILEGES')}`;
        return [...changing(made, by), ...logins(name, [password])];
      },
      () => {
        const before = known.get(name) ?? '';
        if (by === keeper) known.set(name, password);
        return [...changing(`SET PASSWORD FOR ${user} = ${text(password)}`, by), ...logins(name, [password, before])];
      },
      () => {
        const before = known.get(name) ?? '';
        if (by === keeper) known.delete(name);
        return [...changing(`DROP USER ${user}`, by), ...logins(name, [before])];
      },
      () => changing(`DROP USER ${user}; CREATE USER ${user} WITH PASSWORD ${text(known.get(name) ?? password)}`, by),
      () => changing(`GRANT ${random.of(privileges)} ON ${database} TO ${user}`, by),
      () => changing(`GRANT ${random.of(privileges)} ON ${database} TO ${user}`, by),
      () => changing(`REVOKE ${random.of(privileges)} ON ${database} FROM ${user}`, by),
      () => changing(`REVOKE ${random.of(privileges)} ON ${database} FROM ${user}`, by),
      () => changing(`${random.of(['GRANT ALL PRIVILEGES TO', 'REVOKE ALL PRIVILEGES FROM'])} ${user}`, by),
      () => changing(`GRANT READ ON ${database} TO ${user}; GRANT WRITE ON ub TO ${quoted(other)}; REVOKE READ ON ${database} FROM ${user}`, by),
      () => changing(`DROP DATABASE ${database}; CREATE DATABASE ${random.of(databases)} WITH REPLICATION ${copyCount}`, by),
      () => changing(`CREATE DATABASE ${random.of(databases)} WITH REPLICATION ${copyCount}`, by),
      () => changing(`SELECT v INTO ${database}..copy FROM ua..m`, anybody()),
      () => changing(`DELETE FROM m WHERE time < 3`, anybody()),
      () => [write(random, anybody())],
      () => [write(random, anybody())],
    ])(); // prettier-ignore
  };
  const overview = (): LifeStep => {
    const all = ['SHOW USERS', 'SHOW DATABASES', ...names.map((name) => `SHOW GRANTS FOR ${quoted(name)}`)]; // prettier-ignore
    return asked(random, keeper, random.chance(0.7) ? all.slice(0, 2).join('; ') : random.of(all));
  };
  const logins = (name: string, given: readonly string[]): readonly LifeStep[] =>
    given.map((password) => asked(random, { name, password }, 'SHOW DATABASES'));
  const middle = Array.from({ length: random.integer(6, 20) }, () => [
    ...change(),
    ...Array.from({ length: random.integer(1, 3) }, () => question(random, anybody())),
  ]).flat();
  const first = { kind: 'change', text: 'the first admin', step: { method: 'POST', path: '/query', params: { q: `CREATE USER keeper WITH PASSWORD 'kept' WITH ALL PRIVILEGES` }, headers: {} } } as const; // prettier-ignore
  return [
    question(random, anybody()),
    ...random.maybe(0.5, () => 'x') === '' ? [] : [write(random, anybody())],
    first,
    ...databases.flatMap((name) => changing(`CREATE DATABASE ${name} WITH REPLICATION ${copyCount}`)),
    write(random, keeper),
    ...middle,
    ...databases.flatMap((name) => changing(`DROP DATABASE ${name}`)),
    ...names.flatMap((name) => changing(`DROP USER ${quoted(name)}`)),
    ...changing('DROP USER keeper').slice(0, 1),
  ]; // prettier-ignore
}

const statements = [
  'SHOW DATABASES',
  'SHOW DATABASES',
  'SELECT v FROM m',
  'SELECT v FROM ua..m',
  'SELECT count(v) FROM ub..m',
  'SELECT v FROM ua..m, ub..m',
  'SELECT mean(v) FROM (SELECT v FROM ub..m)',
  'SELECT v FROM m; SELECT v FROM ub..m',
  'SHOW DATABASES; SHOW USERS',
  'SHOW MEASUREMENTS',
  'SHOW MEASUREMENTS ON ub',
  'SHOW FIELD KEYS FROM m',
  'SHOW TAG VALUES WITH KEY = host',
  'SHOW SERIES ON ua',
  'SHOW SERIES CARDINALITY ON ub',
  'SHOW RETENTION POLICIES',
  'SHOW RETENTION POLICIES ON ub',
  'SHOW CONTINUOUS QUERIES',
  'SHOW SUBSCRIPTIONS',
  'SHOW USERS',
  'SHOW GRANTS FOR ann',
  'EXPLAIN SELECT v FROM ub..m',
  'KILL QUERY 99999',
  'DROP SERIES FROM nosuch',
  'SELECT v FROM nosuch..m',
  'SELECT',
  '',
];

function question(random: RandomChoice, login: Login): LifeStep {
  if (random.chance(0.75)) return asked(random, login, random.of(statements));
  const { headers, params } = signed(random, login);
  const [method, path] = random.of([
    ['GET', '/ping'],
    ['HEAD', '/ping'],
    ['HEAD', '/metrics'],
    ['HEAD', '/health'],
    ['GET', '/status'],
    ['GET', '/api/v2/buckets'],
    ['POST', '/api/v2/query'],
    ['PUT', '/query'],
    ['OPTIONS', '/query'],
    ['GET', '/nosuch'],
    ['DELETE', '/api/v2/buckets/ua%2Fnosuch'],
    ['GET', '/api/v2/buckets/ua%2Fautogen'],
  ] as const);
  return { kind: 'raw', text: `${login.name}: ${method} ${path}`, step: { method, path, params, headers } }; // prettier-ignore
}

function asked(random: RandomChoice, login: Login, q: string): LifeStep {
  const { headers, params } = signed(random, login);
  const step: SentStep = { method: random.of(['GET', 'POST']), path: '/query', params: { q, db: random.of(databases), epoch: 'ns', ...params }, headers }; // prettier-ignore
  return { kind: 'raw', text: `${login.name}: ${q}`, step };
}

function write(random: RandomChoice, login: Login): LifeStep {
  const { headers, params } = signed(random, login);
  const lines = Array.from({ length: random.integer(1, 3) }, () => `m,host=${random.of(['a', 'b'])} v=${random.integer(1, 9)} ${random.integer(1, 9)}`); // prettier-ignore
  const place = random.of<{ path: string; params: Record<string, string> }>([
    { path: '/write', params: { db: random.of([...databases, 'nosuch']) } },
    { path: '/write', params: { db: random.of(databases), precision: 's' } },
    { path: '/api/v2/write', params: { bucket: `${random.of(databases)}/autogen`, org: 'o' } },
    { path: '/write', params: {} },
  ]);
  const step = { method: 'POST', path: place.path, params: { ...place.params, consistency: 'all', ...params }, headers, text: lines.join('\n') }; // prettier-ignore
  return { kind: 'change', text: `${login.name}: write ${lines.join(' | ')}`, step };
}

/** In one of the ways to say who one is. */
function signed(
  random: RandomChoice,
  { name, password }: Login,
): { readonly headers: Record<string, string>; readonly params: Record<string, string> } {
  const header = (Authorization: string) => ({ headers: { Authorization }, params: {} });
  const both = Buffer.from(`${name}:${password}`);
  return random.of([
    () => header(`Basic ${both.toString('base64')}`),
    () => header(`Basic ${both.toString('base64')}`),
    () => header(`basic ${both.toString('base64')}`),
    () => header(`Token ${both.toString('latin1')}`),
    () => ({ headers: {}, params: { u: name, p: password } }),
    () => ({ headers: {}, params: { u: name, p: password } }),
    // Whoever has the secret needs no password: it stands for a wrong one here.
    () => header(`Bearer ${token(name, passwords.indexOf(password) % 2 === 1 ? usersSecret : 'another')}`), // prettier-ignore
    () => header(`Bearer ${token(name, usersSecret)}`),
    () => (random.chance(0.3) ? { headers: {}, params: {} } : header(`Basic ${both.toString('base64')}`)), // prettier-ignore
  ])();
}

function token(username: string, secret: string): string {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', typ: 'JWT' })}.${part({ username, exp: farS })}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

function quoted(name: string): string {
  return `"${name}"`;
}

function text(password: string): string {
  return `'${password.replaceAll("'", "\\'")}'`;
}
