import { gunzipSync } from 'node:zlib';
import fastify from 'fastify';
import { expect, test } from 'vitest';
import { DbError } from '../../base/errors.ts';
import { NodeClock } from '../../env/node/node-clock.ts';
import type { HeapNode, HeapOptions, Profiler, ThreadCpu, ThreadHeap } from '../../env/profiler.ts'; // prettier-ignore
import { addPprof } from './pprof-routes.ts';

const frame = (functionName: string) => ({ functionName, url: 'file.ts', lineNumber: 6 });
const cpu: readonly ThreadCpu[] = [
  {
    thread: 'main',
    nodes: [
      { id: 1, callFrame: frame('(root)'), children: [2, 4] },
      { id: 2, callFrame: frame('outer'), children: [3] },
      { id: 3, callFrame: frame('inner') },
      { id: 4, callFrame: frame('(idle)') },
    ],
    samples: [3, 3, 4, 2],
    timeDeltas: [0, 10, 20, 30],
  },
];
const heap: HeapNode = {
  callFrame: frame('(root)'),
  selfSize: 0,
  children: [{ callFrame: frame('maker'), selfSize: 512, children: [] }],
};

class Fake implements Profiler {
  readonly asked: number[] = [];
  error: DbError | undefined;

  cpu(durationMs: number): Promise<readonly ThreadCpu[]> {
    this.asked.push(durationMs);
    return this.error === undefined ? Promise.resolve(cpu) : Promise.reject(this.error);
  }

  heap({ durationMs, isAll }: HeapOptions): Promise<readonly ThreadHeap[]> {
    this.asked.push(durationMs);
    const other = { ...heap, children: isAll ? [{ ...heap, callFrame: frame('gone'), selfSize: 64 }] : [] }; // prettier-ignore
    return Promise.resolve([
      { thread: 'main', head: heap },
      { thread: 'worker 1', head: other },
    ]);
  }

  recordCpu(): Promise<void> {
    return Promise.resolve();
  }

  recordHeap(): Promise<readonly ThreadHeap[]> {
    return Promise.resolve([]);
  }

  threads(): Promise<readonly string[]> {
    return Promise.resolve(['main', 'worker 1']);
  }

  waiting(): readonly string[] {
    return ['Timeout', 'TCPSocketWrap', 'Timeout'];
  }
}

function open(options: object = {}) {
  const api = fastify(options);
  const profiler = new Fake();
  const pending = { list: () => [{ name: 'POST /write', count: 2 }] };
  const tables = () => Promise.resolve([{ name: 'stats', text: 'of all' }]);
  addPprof(api, { clock: new NodeClock(), profiler, pending, tables, commandLine: ['influxd', '-config', 'x'] }); // prettier-ignore
  const get = async (url: string) => api.inject({ url: `/debug/pprof${url}` });
  return { profiler, get };
}

test('pprof: profiles are zipped, with the names of threads and functions', async () => {
  const { profiler, get } = open();
  const answer = await get('/profile?seconds=2');
  expect(answer.headers).toMatchObject({
    'content-type': 'application/octet-stream',
    'content-disposition': 'attachment; filename="profile"',
  });
  const text = gunzipSync(answer.rawPayload).toString('latin1');
  for (const name of ['inner', 'outer', 'file.ts', 'main', 'nanoseconds'])
    expect(text).toContain(name);
  expect(text).not.toContain('(idle)');
  expect(gunzipSync((await get('/heap')).rawPayload).toString('latin1')).toContain('maker');
  expect(profiler.asked).toEqual([2_000, 5_000]);
});

test('pprof: durations that are none are the default, and none is without end', async () => {
  const { profiler, get } = open();
  for (const seconds of ['', '0', '-1', 'x', '99999999']) await get(`/profile?seconds=${seconds}`);
  expect(profiler.asked).toEqual([30_000, 30_000, 30_000, 30_000, 600_000]);
});

test('pprof: what the process waits for, its command line, and what there is', async () => {
  const { get } = open();
  expect((await get('/goroutine?debug=1')).body).toBe(
    [
      'goroutine profile: total 6',
      '2 @\n#\trequest POST /write\n',
      '2 @\n#\twaiting for Timeout\n',
      '1 @ thread main\n#\touter\tfile.ts:7\n',
      '1 @\n#\twaiting for TCPSocketWrap\n',
    ].join('\n'),
  );
  expect((await get('/goroutine?debug=2')).body).toBe(
    [
      'goroutine 1 [running]:\nouter(...)\n\tfile.ts:7\n',
      'goroutine 2 [request]:\nrequest POST /write(...)\n',
      'goroutine 3 [request]:\nrequest POST /write(...)\n',
      'goroutine 4 [waiting]:\nwaiting for Timeout(...)\n',
      'goroutine 5 [waiting]:\nwaiting for Timeout(...)\n',
      'goroutine 6 [waiting]:\nwaiting for TCPSocketWrap(...)\n',
    ].join('\n'),
  );
  expect((await get('/cmdline')).body).toBe('influxd\0-config\0x');
  for (const path of ['', '/']) expect((await get(path)).body).toContain("<a href='profile'>");
  expect((await open({ routerOptions: { ignoreTrailingSlash: true } }).get('')).statusCode).toBe(
    200,
  );
});

test('pprof: a second profile at once is refused in the words of Go', async () => {
  const { profiler, get } = open();
  profiler.error = new DbError(
    'conflict',
    'Could not enable CPU profiling: cpu profiling already in use',
  );
  const answer = await get('/profile');
  expect([answer.statusCode, answer.body]).toEqual([
    500,
    'Could not enable CPU profiling: cpu profiling already in use\n',
  ]);
});

test('pprof: threads, each once; locks, of which there are none; a trace; symbols', async () => {
  const { profiler, get } = open();
  const threads = gunzipSync((await get('/threadcreate')).rawPayload).toString('latin1');
  expect(threads).toContain('threadcreate');
  expect(threads).toContain('main');
  for (const name of ['block', 'mutex']) {
    const answer = await get(`/${name}`);
    expect(answer.headers['content-disposition']).toBe(`attachment; filename="${name}"`);
    expect(gunzipSync(answer.rawPayload).toString('latin1')).toContain('contentions');
  }
  expect((await get('/trace?seconds=3')).json()).toMatchObject({
    traceEvents: [{ ph: 'M' }, { name: 'inner' }, { name: 'outer' }],
  });
  expect((await get('/symbol')).body).toBe('num_symbols: 1\n');
  expect(profiler.asked).toEqual([3_000]);
});

test('pprof: memory held, and all that was given, of each thread', async () => {
  const { get } = open();
  const textOf = async (name: string) =>
    gunzipSync((await get(name)).rawPayload).toString('latin1');
  for (const text of [await textOf('/heap'), await textOf('/heap?debug=0')])
    expect([text.includes('inuse_space'), text.includes('gone'), text.includes('maker')]).toEqual([true, false, true]); // prettier-ignore
  const all = await textOf('/allocs');
  expect([all.includes('alloc_space'), all.includes('gone'), all.includes('worker 1')]).toEqual([true, true, true]); // prettier-ignore
});

test.each([
  [
    'heap',
    'heap profile: 1: 512 [1: 512] @ heap/1\n1: 512 [1: 512] @ thread main\n#\tmaker\tfile.ts:7\n',
  ],
  [
    'threadcreate',
    'threadcreate profile: total 2\n1 @ thread main\n#\tmain\n\n1 @ thread worker 1\n#\tworker 1\n',
  ],
  ['block', '--- contention:\ncycles/second=1000000000\n'],
  ['mutex', '--- mutex:\ncycles/second=1000000000\nsampling period=0\n'],
])('pprof: %s is a text where a person asks', async (name, text) => {
  const answer = await open().get(`/${name}?debug=1`);
  expect([answer.headers['content-type'], answer.body]).toEqual([
    'text/plain; charset=utf-8',
    text,
  ]);
});

test('pprof: symbols are told to who posts addresses, as the tool of Go does', async () => {
  const api = fastify();
  addPprof(api, { clock: new NodeClock(), profiler: new Fake(), pending: { list: () => [] }, commandLine: [] }); // prettier-ignore
  const answer = await api.inject({ method: 'POST', url: '/debug/pprof/symbol', headers: { 'content-type': 'text/plain' }, payload: '0x1+0x2' }); // prettier-ignore
  expect([answer.statusCode, answer.body]).toEqual([200, 'num_symbols: 1\n']);
});

test('pprof: any method will do, and of what is no profile that is told', async () => {
  const api = fastify();
  const ports = { clock: new NodeClock(), profiler: new Fake(), pending: { list: () => [] } };
  addPprof(api, { ...ports, tables: () => Promise.resolve([]), commandLine: ['influxd'] });
  for (const method of ['POST', 'PUT', 'DELETE', 'OPTIONS'] as const) {
    const { statusCode, body } = await api.inject({ method, url: '/debug/pprof/cmdline' });
    expect([statusCode, body]).toEqual([200, 'influxd']);
  }
  const none = await api.inject({ url: '/debug/pprof/none' });
  expect([none.statusCode, none.body, none.headers['x-go-pprof']]).toEqual([404, 'Unknown profile\n', '1']);
}); // prettier-ignore

test('pprof: threads, requests and what is waited for are a profile too; threads are left out while they are sampled', async () => {
  const { profiler, get } = open();
  const textOf = async () => gunzipSync((await get('/goroutine')).rawPayload).toString('latin1');
  const names = ['goroutine', 'main', 'outer', 'request POST /write', 'waiting for Timeout'];
  for (const name of names) expect(await textOf()).toContain(name);
  profiler.error = new DbError('conflict', 'cpu profiling already in use');
  expect(await textOf()).toContain('request POST /write');
  expect(await textOf()).not.toContain('outer');
});

test('pprof: all of it in one archive', async () => {
  const { profiler, get } = open();
  const tar = gunzipSync((await get('/all?cpu=90s&trace=2s')).rawPayload);
  expect(profiler.asked).toEqual([45_000, 50, 5_000, 5_000, 2_000]);
  const names: string[] = [];
  for (let at = 0; tar[at] !== 0;) {
    const head = tar.subarray(at, at + 512);
    names.push(head.toString('latin1', 0, 100).replace(/\0.*/s, ''));
    const sum = head.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0);
    expect(parseInt(head.toString('latin1', 148, 154), 8)).toBe(sum);
    at += 512 + Math.ceil(parseInt(head.toString('latin1', 124, 135), 8) / 512) * 512;
  }
  const profiles = ['cpu', 'goroutine', 'block', 'mutex', 'heap', 'allocs', 'threadcreate'];
  expect(names).toEqual([
    ...profiles.map((name) => `profiles/${name}.pb.gz`),
    'profiles/trace.json',
    'profiles/cmdline.txt',
    'profiles/stats.txt',
  ]);
});

test.each([
  ['cpu=x', 'could not parse supplied duration for cpu profile "x"'],
  ['cpu=true&seconds=x', 'could not parse supplied duration for cpu profile "true"'],
  ['cpu=-1s', 'negative cpu profile durations not allowed'],
  ['trace=', 'could not parse supplied duration for trace ""'],
  ['trace=-1s', 'negative trace durations not allowed'],
])('pprof: an archive of %s is refused in the words of the reference', async (asked, text) => {
  const { profiler, get } = open();
  const answer = await get(`/all?${asked}`);
  expect([answer.statusCode, answer.body, profiler.asked]).toEqual([400, `${text}\n`, []]);
});
