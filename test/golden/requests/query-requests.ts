import type { HttpRequest } from './http-request.ts';

function get(
  parameters: Readonly<Record<string, string>>,
  headers?: Readonly<Record<string, string>>,
): HttpRequest {
  const path = `/query?${new URLSearchParams(parameters).toString()}`;
  return headers === undefined ? { method: 'GET', path } : { method: 'GET', path, headers };
}

function post(body: string, type: string, search = ''): HttpRequest {
  return { method: 'POST', path: `/query${search}`, body, headers: { 'Content-Type': type } };
}

const form = 'application/x-www-form-urlencoded';
const golden = (q: string, rest: Readonly<Record<string, string>> = {}) =>
  get({ db: 'golden', q, ...rest });
const bound = (q: string, params: string) => golden(q, { params });

function multipart(parts: Readonly<Record<string, string>>, file = true): string {
  const all = Object.entries(parts).map(([name, value]) => {
    const isFile = name === 'q' && file ? '; filename="q.txt"' : '';
    return `--xxYxx\r\nContent-Disposition: form-data; name="${name}"${isFile}\r\n\r\n${value}\r\n`;
  });
  return `${all.join('')}--xxYxx--\r\n`;
}

const rows = 'SELECT load, jobs, note FROM cpu LIMIT 3';
const csv = (type: string) => ({ Accept: type });

/** /query in good and odd forms (spec 4.1). The dataset of query-dataset.ts is in database `golden`. */
export const queryRequests: readonly HttpRequest[] = [
  { method: 'GET', path: '/query' },
  get({ db: 'golden' }),
  golden(''),
  golden('   '),
  golden(';'),
  golden(';;'),
  golden('BAD'),
  golden('SELECT'),
  golden('SELECT load FROM'),
  golden('SHOW DATABASES BAD'),
  golden('-- only a comment'),
  golden(`${rows};`),
  golden(`${rows};;${rows}`),
  golden(`/* c */ ${rows} -- end`),
  golden(`SHOW DATABASES ${rows}`),
  get({ q: rows }),
  get({ q: rows, db: 'none' }),
  get({ q: rows, db: 'golden', rp: 'none' }),
  get({ q: rows, db: 'golden', rp: 'autogen' }),
  get({ q: 'SELECT load FROM golden.autogen.cpu LIMIT 1' }),
  get({ q: 'SELECT load FROM golden..cpu LIMIT 1' }),
  get({ q: 'SELECT load FROM none..cpu LIMIT 1' }),
  get({ q: 'SELECT load FROM golden.none.cpu LIMIT 1' }),
  golden('SELECT load FROM autogen.cpu LIMIT 1'),
  golden('SELECT load FROM none.cpu LIMIT 1'),
  ...['ns', 'n', 'u', 'µ', 'ms', 's', 'm', 'h', 'x', 'rfc3339', ''].map((epoch) =>
    golden(rows, { epoch }),
  ),
  golden('SELECT count(load) FROM cpu', { epoch: 's' }),
  ...['true', 'false', '1', 'TRUE', ''].map((pretty) => golden(rows, { pretty })),
  golden('SELECT nothing FROM cpu', { pretty: 'true' }),
  golden('BAD', { pretty: 'true' }),
  ...['', '1', '2', '5', '0', '-1', 'x', '10000', '99999999999999999999'].map((size) =>
    golden('SELECT jobs FROM cpu GROUP BY host LIMIT 5', { chunked: 'true', chunk_size: size }),
  ),
  golden('SELECT jobs FROM cpu LIMIT 5', { chunked: 'true', chunk_size: '2', epoch: 's' }),
  golden('SELECT mean(load) FROM cpu GROUP BY host', { chunked: 'true', chunk_size: '1' }),
  golden('SELECT jobs FROM cpu LIMIT 3; SELECT jobs FROM cpu LIMIT 1', {
    chunked: 'true',
    chunk_size: '2',
  }),
  golden('SELECT nothing FROM cpu; SHOW DATABASES', { chunked: 'true' }),
  golden('SHOW TAG KEYS', { chunked: 'true', chunk_size: '1' }),
  golden('SHOW MEASUREMENTS', { chunked: 'true', chunk_size: '1' }),
  golden('SHOW SERIES', { chunked: 'true', chunk_size: '1' }),
  golden('SHOW TAG VALUES WITH KEY = host', { chunked: 'true', chunk_size: '2' }),
  golden('SHOW RETENTION POLICIES ON none', { chunked: 'true' }),
  golden('SELECT jobs FROM cpu LIMIT 3', { chunked: 'true', chunk_size: '2', pretty: 'true' }),
  golden(rows, { chunked: 'false', chunk_size: '1' }),
  golden(rows, { chunked: '1', chunk_size: '1' }),
  golden(
    'SELECT jobs FROM none; SELECT jobs FROM cpu LIMIT 1; SELECT * FROM nope.autogen.x; SHOW DATABASES',
  ),
  golden('SELECT jobs FROM cpu LIMIT 1; SELECT foo(jobs) FROM cpu; SHOW DATABASES'),
  golden('SELECT jobs FROM cpu LIMIT 1; SELECT foo(jobs) FROM cpu; SHOW DATABASES', {
    chunked: 'true',
  }),
  golden('SELECT jobs FROM cpu LIMIT 1; BAD; SHOW DATABASES'),
  golden('CREATE DATABASE made_by_get'),
  golden('CREATE RETENTION POLICY r ON none DURATION 1d REPLICATION 1'),
  golden('DROP DATABASE made_by_get'),
  ...[
    'application/csv',
    'text/csv',
    'application/x-csv',
    '*/*',
    'text/html',
    'application/json',
    'text/csv;q=0.5',
    'text/html, application/csv',
    'application/json, text/csv',
    'text/csv, application/json',
  ].map((accept) => get({ db: 'golden', q: rows }, csv(accept))),
  get(
    {
      db: 'golden',
      q: 'SELECT mean(load) FROM cpu GROUP BY host, region; SHOW DATABASES; SHOW TAG KEYS; SELECT x FROM y; SELECT jobs FROM cpu LIMIT 1',
    },
    csv('text/csv'),
  ),
  get(
    { db: 'golden', q: 'SHOW DATABASES; SELECT foo(jobs) FROM cpu; SHOW DATABASES' },
    csv('text/csv'),
  ),
  get({ db: 'golden', q: rows, epoch: 's' }, csv('text/csv')),
  get({ db: 'golden', q: 'BAD "q", x' }, csv('text/csv')),
  get({ db: 'golden' }, csv('text/csv')),
  get({ db: 'golden', q: rows, chunked: 'true', chunk_size: '1' }, csv('text/csv')),
  get(
    {
      db: 'golden',
      q: 'SELECT * FROM "disk free"; SHOW SERIES; SHOW FIELD KEYS; SHOW RETENTION POLICIES ON none',
    },
    csv('application/csv'),
  ),
  get({ db: 'golden', q: rows, pretty: 'true' }, csv('application/csv')),
  post(new URLSearchParams({ db: 'golden', q: rows }).toString(), form),
  post(
    new URLSearchParams({
      db: 'golden',
      q: rows,
      epoch: 's',
      pretty: 'true',
      chunked: 'true',
    }).toString(),
    form,
  ),
  post(new URLSearchParams({ q: rows }).toString(), form, '?db=golden'),
  post(new URLSearchParams({ q: rows, db: 'golden' }).toString(), form, '?db=none&q=BAD'),
  post(new URLSearchParams({ q: rows, db: 'golden' }).toString(), `${form}; charset=utf-8`),
  post(new URLSearchParams({ q: rows, db: 'golden' }).toString(), 'text/plain'),
  post(
    new URLSearchParams({ q: rows, db: 'golden' }).toString(),
    'text/plain',
    '?db=golden&q=SHOW%20DATABASES',
  ),
  post('', form, `?db=golden&q=${encodeURIComponent(rows)}`),
  post('q=%zz&db=golden', form),
  post('q=SHOW+DATABASES;db=golden', form),
  { method: 'GET', path: '/query?q=%zz&db=golden' },
  { method: 'GET', path: '/query?q=SHOW+DATABASES' },
  { method: 'GET', path: '/query?q=SHOW%20DATABASES&q=BAD' },
  { method: 'GET', path: '/query/?q=SHOW%20DATABASES' },
  { method: 'GET', path: '/QUERY?q=SHOW%20DATABASES' },
  { method: 'GET', path: '//query?q=SHOW%20DATABASES' },
  post(multipart({ q: rows, db: 'golden' }), 'multipart/form-data; boundary=xxYxx'),
  post(multipart({ q: rows }), 'multipart/form-data; boundary=xxYxx', '?db=golden'),
  post(multipart({ q: rows, db: 'golden' }, false), 'multipart/form-data; boundary=xxYxx'),
  post(
    multipart({ q: `SHOW DATABASES;\n${rows};\n` }),
    'multipart/form-data; boundary=xxYxx',
    '?db=golden&epoch=s',
  ),
  { method: 'HEAD', path: `/query?db=golden&q=${encodeURIComponent(rows)}` },
  { method: 'HEAD', path: '/query' },
  ...['OPTIONS', 'PUT', 'DELETE', 'PATCH'].map((method) => ({
    method,
    path: '/query?q=SHOW%20DATABASES',
  })),
  get({ db: 'golden', q: rows }, { 'Accept-Encoding': 'gzip' }),
  get({ db: 'golden', q: 'SELECT * FROM cpu' }, { 'Accept-Encoding': 'gzip, deflate' }),
  get(
    { db: 'golden', q: 'SELECT * FROM cpu LIMIT 4', chunked: 'true', chunk_size: '2' },
    { 'Accept-Encoding': 'gzip' },
  ),
  get({ db: 'golden', q: 'BAD' }, { 'Accept-Encoding': 'gzip' }),
  get({ db: 'golden', q: rows }, { 'Accept-Encoding': 'deflate' }),
  get({ db: 'golden', q: rows }, { 'X-Request-Id': 'id-1' }),
  get({ db: 'golden', q: rows }, { 'Request-Id': 'id-2' }),
  get({ db: 'golden', q: 'BAD' }, { Origin: 'http://example.com' }),
  golden(rows, { async: 'true' }),
  golden('BAD', { async: 'true' }),
  golden(rows, { async: 'false' }),
  golden(rows, { u: 'someone', p: 'secret' }),
  bound('SELECT jobs FROM cpu WHERE host = $h LIMIT 1', '{"h":"b"}'),
  bound('SELECT jobs FROM cpu WHERE host = $"h h" LIMIT 1', '{"h h":"b"}'),
  bound('SELECT jobs FROM cpu WHERE jobs > $n LIMIT 2', '{"n":45}'),
  bound('SELECT jobs FROM cpu WHERE jobs > $n LIMIT 2', '{"n":45.5}'),
  bound('SELECT jobs FROM cpu WHERE jobs > $n LIMIT 2', '{"n":-4.5e1}'),
  bound('SELECT jobs FROM cpu WHERE jobs > $n LIMIT 2', '{"n":45e1}'),
  bound('SELECT jobs FROM cpu WHERE up = $b LIMIT 2', '{"b":true}'),
  bound('SELECT jobs FROM cpu WHERE time > $t LIMIT 2', '{"t":"2020-01-01T00:10:00Z"}'),
  bound('SELECT jobs FROM cpu WHERE time > $t LIMIT 2', '{"t":1577837400000000001}'),
  bound('SELECT bytes FROM "disk free" WHERE bytes = $n', '{"n":27021597764222979}'),
  bound('SELECT bytes FROM "disk free" WHERE bytes = $n', '{"n":9223372036854775808}'),
  bound('SELECT bytes FROM "disk free" WHERE bytes < $n LIMIT 1', '{"n":9223372036854775807}'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '{}'),
  bound('SELECT jobs FROM cpu WHERE host = $h', ''),
  bound('SELECT jobs FROM cpu WHERE host = $h', '{'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '[]'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '"x"'),
  bound('SELECT jobs FROM cpu WHERE host = $h', 'null'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '{"h":null}'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '{"h":[1]}'),
  bound('SELECT jobs FROM cpu WHERE host = $h', '{"h":{}}'),
  bound('SELECT jobs FROM cpu WHERE host = $h LIMIT 1', '{"h":{"regex":"a"}}'),
  bound('SELECT jobs FROM cpu WHERE host = $h LIMIT 1', '{"h":"a"} x'),
  bound('SELECT jobs FROM cpu WHERE host = $ LIMIT 1', '{"h":"a"}'),
  bound('SELECT jobs FROM $m LIMIT 1', '{"m":"cpu"}'),
  bound('SELECT $f FROM cpu LIMIT 1', '{"f":"jobs"}'),
  bound('SELECT jobs FROM cpu LIMIT $n', '{"n":1}'),
  bound('SHOW DATABASES', '{'),
  bound('BAD', '{'),
  ...[
    '/ping',
    '/ping?verbose=true',
    '/ping?verbose=1',
    '/ping?verbose=0',
    '/ping?verbose=false',
    '/ping?verbose=',
    '/ping/',
    '/status',
    '/nothing',
    '/',
    '/debug',
    '/api/v2',
    '/favicon.ico',
    '/query/x',
    '/writes',
    '/metrics/x',
  ].map((path) => ({ method: 'GET', path })),
  ...['HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'].map((method) => ({ method, path: '/ping' })),
  ...['HEAD', 'POST', 'PUT', 'OPTIONS'].map((method) => ({ method, path: '/nothing' })),
  ...['HEAD', 'POST', 'OPTIONS'].map((method) => ({ method, path: '/status' })),
  {
    method: 'GET',
    path: '/ping',
    headers: { 'X-Request-Id': 'ping-1', Origin: 'http://example.com' },
  },
  {
    method: 'OPTIONS',
    path: '/query',
    headers: { Origin: 'http://example.com', 'Access-Control-Request-Method': 'POST' },
  },
];
