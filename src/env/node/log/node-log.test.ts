import { expect, test } from 'vitest';
import type { LogFormat } from './log-format.ts';
import { formatLogTime } from '../../../base/rfc3339.ts';
import { createLogId, quoteValue } from './log-format.ts';
import { NodeClock } from '../node-clock.ts';
import { NodeLog } from './node-log.ts';

class FixedClock extends NodeClock {
  override wallNs(): bigint {
    return 1_795_503_504_123_456_789n;
  }
}

function createLog(format: LogFormat): { log: NodeLog; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string): void => {
    lines.push(line);
  };
  const log = NodeLog.create({
    clock: new FixedClock(),
    format,
    level: 'info',
    logId: '0XAAAAAAAAA',
    write,
  });
  return { log, lines };
}

test('node log: logfmt lines have the keys and the order of the reference', () => {
  const { log, lines } = createLog('logfmt');
  log.info('InfluxDB starting', { version: '1.12.4', path: '/var/lib/in fluxdb', size: 9n });
  log.child('store').warn('slow', { took: 1.5, error: undefined, ok: false, text: 'a="b"' });
  expect(lines).toEqual([
    'ts=2026-11-24T06:58:24.123456Z lvl=info msg="InfluxDB starting" log_id=0XAAAAAAAAA ' +
      'version=1.12.4 path="/var/lib/in fluxdb" size=9\n',
    'ts=2026-11-24T06:58:24.123456Z lvl=warn msg=slow log_id=0XAAAAAAAAA service=store took=1.5 ' +
      'ok=false text="a=\\"b\\""\n',
  ]);
});

test('node log: JSON lines carry the same keys; 64-bit integers stay exact', () => {
  const { log, lines } = createLog('json');
  log.child('meta').error('broken "thing"\n', { index: 9_007_199_254_740_993n, count: 2 });
  expect(lines[0]).toMatch(/^\{"lvl":"error","ts":"2026[^"]+","msg":"broken .*","log_id":/);
  expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
    {
      lvl: 'error',
      ts: '2026-11-24T06:58:24.123456Z',
      msg: 'broken "thing"\n',
      log_id: '0XAAAAAAAAA',
      service: 'meta',
      index: '9007199254740993',
      count: 2,
    },
  ]);
});

test('node log: console lines are for people', () => {
  const { log, lines } = createLog('console');
  log.child('x').info('hello there', { n: 1 });
  expect(lines).toEqual([
    '2026-11-24T06:58:24.123456Z\tinfo\thello there\tlog_id=0XAAAAAAAAA service=x n=1\n',
  ]);
});

test('node log: a level holds for all relatives, from wherever it was set', () => {
  const { log, lines } = createLog('logfmt');
  const child = log.child('x');
  child.debug('1');
  child.setLevel('debug');
  log.debug('2');
  log.setLevel('error');
  child.warn('3');
  child.error('4');
  expect(lines.map((line) => /msg=(\S+)/.exec(line)?.[1])).toEqual(['2', '4']);
});

test('node log: plain lines and those that go elsewhere do not hang on the level', () => {
  const { log, lines } = createLog('logfmt');
  const others: string[] = [];
  log.setLevel('error');
  log.plain('[httpd] as it stands');
  const other = log.into((line) => others.push(line)).child('query');
  other.info('Executing query', { query: 'SHOW USERS' });
  other.debug('not this');
  expect(lines).toEqual(['[httpd] as it stands\n']);
  expect(others).toEqual([
    'ts=2026-11-24T06:58:24.123456Z lvl=info msg="Executing query" log_id=0XAAAAAAAAA service=query query="SHOW USERS"\n',
  ]);
});

test('node log: lines of requests may wait, those of everything else may not', () => {
  const waits: boolean[] = [];
  const log = NodeLog.create({
    clock: new FixedClock(),
    format: 'logfmt',
    level: 'info',
    write: (_line, mayWait) => waits.push(mayWait),
  });
  log.info('started');
  log.ofRequests().child('query').info('Executing query');
  log.ofRequests().plain('[httpd] as it stands');
  log.child('store').error('failed');
  expect(waits).toEqual([false, true, true, false]);
});

test('log format: values are quoted only where a reader needs it', () => {
  const check = (value: string, want: string): void => {
    expect(quoteValue(value)).toBe(want);
  };
  check('', '');
  check('plain-1.5/x', 'plain-1.5/x');
  check('a b', '"a b"');
  check('a=b', '"a=b"');
  check('line\nbreak', '"line\\nbreak"');
  check('\u00e9\u4e2d', '\u00e9\u4e2d');
});

test('log format: times have microseconds; ids have 11 characters and sort by time', () => {
  expect(formatLogTime(0n)).toBe('1970-01-01T00:00:00.000000Z');
  expect(formatLogTime(1_999_999n)).toBe('1970-01-01T00:00:00.001999Z');
  const early = createLogId(1_795_503_504_123_456_789n, 7);
  const late = createLogId(1_795_503_504_124_456_789n, 0);
  expect(early).toMatch(/^[0-9A-Z_a-z~]{11}$/);
  expect(early < late).toBe(true);
});
