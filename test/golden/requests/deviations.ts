import type { HttpAnswer, HttpRequest } from './http-request.ts';

const csvBody =
  'name,tags,time,load,jobs,note\ncpu,,1577836800000000000,0,0,"n""0<é"\n' +
  'cpu,,1577836800000000001,52.5625,11,"n""0<é"\ncpu,,1577836800000000002,56.8125,22,"n""0<é"\n';
const first =
  '{"statement_id":0,"series":[{"name":"cpu","columns":["time","jobs"],"values":[["2020-01-01T00:00:00Z",0]]}]}';

interface Deviation {
  readonly why: string;
  /** Of the path, its escapes undone, or of the Accept header. */
  readonly path?: string;
  readonly accept?: string;
  readonly answer: Partial<HttpAnswer>;
}

const csvChosen = 'spec F74: the Accept header is read as a list with weights';
const failingShown = 'spec 4.1: a failing statement shows its error, each later one "not executed"';

/** Differences of single requests. */
const single: readonly Deviation[] = [
  {
    why: 'spec 4.1: µ is microseconds',
    path: 'epoch=µ',
    answer: {
      body: '{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","load","jobs","note"],"values":[[1577836800000000,0,0,"n\\"0\\u003cé"],[1577836800000000,52.5625,11,"n\\"0\\u003cé"],[1577836800000000,56.8125,22,"n\\"0\\u003cé"]]}]}]}\n',
    },
  },
  {
    why: failingShown,
    path: 'SELECT jobs FROM none; SELECT jobs FROM cpu LIMIT 1; SELECT * FROM nope.autogen.x; SHOW DATABASES',
    answer: {
      body: `{"results":[{"statement_id":0},${first.replace('0', '1')},{"statement_id":2,"error":"database not found: nope"},{"statement_id":3,"error":"not executed"}]}\n`,
    },
  },
  {
    why: failingShown,
    path: 'SELECT jobs FROM cpu LIMIT 1; SELECT foo(jobs) FROM cpu; SHOW DATABASES&chunked=true',
    answer: {
      body: `{"results":[${first}]}\n{"results":[{"statement_id":1,"error":"undefined function foo()"}]}\n{"results":[{"statement_id":2,"error":"not executed"}]}\n`,
    },
  },
  {
    why: failingShown,
    path: 'SELECT jobs FROM cpu LIMIT 1; SELECT foo(jobs) FROM cpu; SHOW DATABASES',
    answer: {
      body: `{"results":[${first},{"statement_id":1,"error":"undefined function foo()"},{"statement_id":2,"error":"not executed"}]}\n`,
    },
  },
  ...['text/csv;q=0.5', 'text/csv, application/json'].map((accept) => ({
    why: csvChosen,
    accept,
    answer: { headers: { 'content-type': 'text/csv' }, body: csvBody },
  })),
  {
    why: csvChosen,
    accept: 'text/html, application/csv',
    answer: { headers: { 'content-type': 'application/csv' }, body: csvBody },
  },
  ...['/ping?verbose=true', '/ping?verbose=1'].map((path) => ({
    why: 'spec 4.5: verbose tells the version',
    path,
    answer: { status: 200, body: '{"version":"1.12.4-c1.12.4"}' },
  })),
  {
    why: '1.12.4: a tag beside a bound pattern has to be unlike it, whatever the operator',
    path: 'host = $h LIMIT 1&params={"h":{"regex":"a"}}',
    answer: {
      body: '{"results":[{"statement_id":0,"series":[{"name":"cpu","columns":["time","jobs"],"values":[["2020-01-01T00:00:00.000000001Z",11]]}]}]}\n',
    },
  },
  ...[
    { precision: 'x', body: '{"error":"invalid precision \\"x\\" (use n, u, ms, s, m or h)"}\n' },
  ].map(({ precision, body }) => ({
    why: 'spec 4.2: an unknown precision is refused since 1.9',
    path: `precision=${precision}`,
    answer: {
      status: 400,
      headers: { 'x-influxdb-error': (JSON.parse(body) as { error: string }).error },
      body,
    },
  })),
];

/** What our API has to answer: the recorded answer of 1.12.4, but for what differs for a reason. */
export function expectedAnswer(request: HttpRequest, recorded: HttpAnswer): HttpAnswer {
  const { status, headers, body } = deviationOf(request)?.answer ?? {};
  return {
    status: status ?? recorded.status,
    headers: { ...recorded.headers, ...headers },
    body: body ?? recorded.body,
  };
}

function deviationOf(request: HttpRequest): Deviation | undefined {
  const path = decodeURIComponent(request.path.replaceAll('+', ' ').replaceAll('%zz', ''));
  return single.find(
    (one) =>
      (one.path === undefined || path.endsWith(one.path)) &&
      (one.accept === undefined || request.headers?.['Accept'] === one.accept),
  );
}
