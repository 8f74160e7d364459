import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { Config } from './config.ts';
import { decodeConfigText } from './config-text.ts';
import { dataArrayKeys, dataKeys } from './data-keys.ts';
import { metaKeys } from './meta-keys.ts';

const readData = (text = '', environment: Record<string, string> = {}) =>
  Config.read({ text, environment, keys: dataKeys, arrayKeys: dataArrayKeys });

test('config: defaults, then the file, then the environment', () => {
  expect(readData().get('http', 'bind-address')).toBe(':8086');
  expect(readData('[http]\nbind-address = ":1"').get('http', 'bind-address')).toBe(':1');
  const environment = { INFLUXDB_HTTP_BIND_ADDRESS: ':2', INFLUXDB_HOSTNAME: 'h' };
  const config = readData('[http]\nbind-address = ":1"', environment);
  expect(config.get('http', 'bind-address')).toBe(':2');
  expect(config.get('', 'hostname')).toBe('h');
  expect(readData('', { INFLUXDB_CLUSTER_WRITE_TIMEOUT: '3s' }).get('cluster', 'write-timeout')).toBe(3_000); // prettier-ignore
  expect(readData('', { INFLUXDB_HTTP_MAX_BODY_SIZE: '7' }).get('http', 'max-body-size')).toBe(7);
});

test.each([
  ['[http]\nmax-body-size = "x"', '[http] max-body-size = "x": incompatible types'],
  ['[cluster]\nwrite-timeout = "10"', '[cluster] write-timeout = "10": time: missing unit'],
  [
    '[data]\ncache-max-memory-size = "1t"',
    '[data] cache-max-memory-size = "1t": unknown size suffix',
  ],
  ['http = 3', '[http] is 3, not a section'],
  ['[http', 'Invalid TOML document'],
  ['[http]\nenabled = true\nenabled = true', 'Invalid TOML document'],
  ['[udp]\nenabled = true', '[[udp]] is {...}, not a list of sections'],
  ['[[http]]\nenabled = true', '[http] is [{...}], not a section'],
  [
    '[http]\nbind-address = "here"',
    '[http] bind-address = "here": address here: missing port in address',
  ],
  [
    '[http]\nbind-address = ":70000"',
    '[http] bind-address = ":70000": address :70000: invalid port "70000"',
  ],
  [
    '[[graphite]]\nbind-address = "::1:2003"',
    '[[graphite]] bind-address = "::1:2003": address ::1:2003: too many colons in address',
  ],
  ['[data]\nmax-concurrent-compactions = -1', '[data] max-concurrent-compactions = -1: must be non-negative'], // prettier-ignore
  ['[http]\nmax-row-limit = 9223372036854775808', 'out of range for int64'],
  ['[http]\naccess-log-status-filters = ["9xx"]', 'status filter must be a digit that starts with 1-5 optionally followed by X characters'], // prettier-ignore
  ['[http]\naccess-log-status-filters = ["4x"]', 'status filter must be exactly 3 characters long'],
  ['[data]\ndir = ""', '[data] dir = "": Data.Dir must be specified'],
  ['[data]\nindex-version = "tsi9"', 'unrecognized index tsi9'],
  ['[monitor]\nstore-database = ""', 'monitor store database name must not be empty'],
  ['[http]\nflux-enabled = true', '[http] flux-enabled = true: this version answers InfluxQL alone and has no Flux: set it to false, and send queries to /query'], // prettier-ignore
  ['[retention]\ncheck-interval = "0s"', '[retention] check-interval = "0s": must be positive'],
  [
    'gossip-frequency = "100ms"',
    'gossip-frequency = "100ms": gossiping frequency 100ms is too low (minimum 250ms)',
  ],
  ['[logging]\nlevel = "loud"', '[logging] level = "loud": unrecognized level: "loud"'],
])('config: %j stops with key, value and reason', (text, reason) => {
  expect(() => readData(text)).toThrow(reason);
});

/** 1.12.4 runs with each of them and has no such limit. */
test.each([
  ['http', 'max-row-limit', '-1'],
  ['http', 'max-connection-limit', '-1'],
  ['http', 'max-body-size', '-1'],
  ['http', 'max-enqueued-write-limit', '-1'],
  ['cluster', 'max-concurrent-queries', '-1'],
  ['cluster', 'query-timeout', '"-1s"'],
  ['cluster', 'log-queries-after', '"-1s"'],
  ['cluster', 'max-select-series', '-1'],
  ['data', 'max-series-per-database', '-1'],
  ['data', 'cache-snapshot-write-cold-duration', '"-1s"'],
  ['subscriber', 'total-buffer-bytes', '-1'],
] as const)(
  'config: [%s] %s below zero is none, and is printed as it was',
  (section, key, value) => {
    const config = readData(`[${section}]\n${key} = ${value}`);
    expect(config.get(section as 'http', key as 'max-row-limit')).toBe(0);
    expect(config.print()).toContain(`  ${key} = ${value}\n`);
  },
);

test('config: a duration that is empty is the one that a node has without', () => {
  expect(readData('[data]\ncompact-full-write-cold-duration = ""').get('data', 'compact-full-write-cold-duration')).toBe(14_400_000); // prettier-ignore
});

test('config: what influxd config of 1.12.4 prints is read, with the one duration that it prints as a number', () => {
  const printed = readFileSync(new URL('testdata/influxd-1.12.4.txt', import.meta.url), 'utf8');
  expect(printed).toContain('enqueued-write-timeout = 30000000000\n');
  expect(readData(printed).get('http', 'enqueued-write-timeout')).toBe(30_000);
  const environment = { INFLUXDB_HTTP_ENQUEUED_WRITE_TIMEOUT: '2000000000' };
  expect(readData(printed, environment).get('http', 'enqueued-write-timeout')).toBe(2_000);
  expect(readData('[http]\nenqueued-write-timeout = "1m"').get('http', 'enqueued-write-timeout')).toBe(60_000); // prettier-ignore
});

test('config: a wrong value in the environment names its variable', () => {
  expect(() => readData('', { INFLUXDB_CLUSTER_WRITE_TIMEOUT: 'soon' })).toThrow(
    'INFLUXDB_CLUSTER_WRITE_TIMEOUT: [cluster] write-timeout = "soon": time: invalid duration "soon"',
  );
});

test.each([
  ['INFLUXDB_HTTP_LOG_ENABLED', 'maybe', 'strconv.ParseBool: parsing "maybe": invalid syntax'],
  ['INFLUXDB_HTTP_MAX_ROW_LIMIT', '12x', 'strconv.ParseInt: parsing "12x": invalid syntax'],
  ['INFLUXDB_HTTP_MAX_ROW_LIMIT', '9223372036854775808', 'out of range for int64'],
  ['INFLUXDB_UDP_0_BATCH_TIMEOUT', '5', '[[udp]] batch-timeout = "5": time: missing unit'],
])('config: %s=%s stops with the variable and the reason', (name, value, reason) => {
  expect(() => readData('', { [name]: value })).toThrow(`${name}: `);
  expect(() => readData('', { [name]: value })).toThrow(reason);
});

test('config: an interval does not matter in a section that is off', () => {
  const read = (enabled: boolean) => readData(`[retention]\nenabled = ${enabled}\ncheck-interval = "0s"`); // prettier-ignore
  expect(read(false).get('retention', 'enabled')).toBe(false);
  expect(() => read(true)).toThrow('check-interval');
});

test('config: Go reads numbers of variables with their base, and an empty one says nothing', () => {
  const environment = { INFLUXDB_HTTP_MAX_ROW_LIMIT: '0x10', INFLUXDB_HTTP_BIND_ADDRESS: '' };
  expect(readData('', environment).get('http', 'max-row-limit')).toBe(16);
  const parted = { INFLUXDB_HTTP_MAX_ROW_LIMIT: '1_000' };
  expect(readData('', parted).get('http', 'max-row-limit')).toBe(1_000);
  expect(readData('', environment).get('http', 'bind-address')).toBe(':8086');
});

test('config: repeated sections take NAME_0 over NAME, in each that is there', () => {
  const environment = {
    INFLUXDB_GRAPHITE_DATABASE: 'all',
    INFLUXDB_GRAPHITE_1_DATABASE: 'second',
    INFLUXDB_GRAPHITE_0_TEMPLATES: 'measurement.b,c.* measurement',
    INFLUXDB_GRAPHITE_2_DATABASE: 'not there',
    INFLUXDB_CLUSTER_ALLOW_OUT_OF_ORDER: 'true',
    INFLUXDB_DATA_CACHE_MAX_CONCURRENT_COMPACTIONS: '3',
  };
  const config = readData('[[graphite]]\n[[graphite]]\ntags = ["x=1"]', environment);
  const printed = config.print();
  expect(printed.match(/database = "(all|second|not there)"/g)).toEqual(['database = "all"', 'database = "second"']); // prettier-ignore
  expect(printed.match(/templates = .*/g)).toEqual([
    'templates = ["measurement.b", "c.* measurement"]',
  ]);
  expect(config.get('cluster', 'allow-out-of-order-writes')).toBe(true);
  expect(config.get('data', 'max-concurrent-compactions')).toBe(3);
});

test('config: without a file the folders are those of the user', () => {
  const keys = { keys: dataKeys, environment: {}, home: '/home/u' };
  const config = Config.read({ ...keys, text: undefined });
  expect(config.get('data', 'wal-dir')).toBe('/home/u/.influxdb/wal');
  expect(Config.read({ ...keys, text: '' }).get('data', 'wal-dir')).toBe('/var/lib/influxdb/wal');
});

test('config: headers and what is empty are printed as the reference prints them', () => {
  const printed = readData('[http.headers]\nX-A = "b"').print();
  expect(printed).toContain('\n\n  [http.headers]\n    "X-A" = "b"\n');
  expect(readData(printed).print()).toBe(printed);
  expect(readData().print()).not.toMatch(/headers|(?<!filters )= \[\]|unix-socket-group/);
});

test('config text: byte order marks are no part of it', () => {
  const text = 'hostname = "hé"';
  const utf16 = Buffer.from(`\uFEFF${text}`, 'utf16le');
  for (const bytes of [
    Buffer.from(text),
    Buffer.from(`\uFEFF${text}`),
    utf16,
    Buffer.from(utf16).swap16(),
  ])
    // prettier-ignore
    expect(readData(decodeConfigText(bytes)).get('', 'hostname')).toBe('hé');
});

test.each([
  ['[[collectd]]\nsecurity-level = "x"', 'security-level = "x": Invalid security level'],
  ['[[collectd]]\nparse-multivalue-plugin = "x"', 'Valid options are "split" and "join"'],
  ['[[opentsdb]]\nconsistency-level = "x"', 'consistency-level = "x": invalid consistency level'],
])('config: %j is none that a listener can have', (text, reason) => {
  expect(() => readData(text)).toThrow(reason);
});

test('config: sections that are repeated are each read by themselves, with their defaults', () => {
  const text = '[[udp]]\nbind-address = ":1"\n[[udp]]\nbatch-timeout = "2s"\nprecision = "ms"';
  const sections = readData(text).repeated('udp', dataArrayKeys.udp);
  expect(sections.map((one) => [one.get('bind-address'), one.get('batch-timeout')])).toEqual([
    [':1', 1_000],
    [':8089', 2_000],
  ]);
  expect(sections[1]?.shown()).toMatchObject({
    'batch-timeout': '2s',
    'batch-size': 5_000,
    precision: 'ms',
  });
  const [none] = readData('[[graphite]]\nbind-address = ""\nbatch-size = 0').repeated('graphite', dataArrayKeys.graphite); // prettier-ignore
  expect([none?.get('bind-address'), none?.get('batch-size')]).toEqual([':2003', 5_000]);
  expect(() => readData('[[udp]]\nbind-address = ""')).toThrow('missing port in address');
  const defaults = readData().repeated('udp', dataArrayKeys.udp);
  expect(defaults.map((one) => one.get('enabled'))).toEqual([false]);
});

test('config: unknown keys are passed over', () => {
  const text = '[new]\nkey = 1\n[http]\nnew = 2\ndebug-pprof-enabled = true';
  expect(readData(text).get('http', 'debug-pprof-enabled')).toBe(true);
});

test('config: what it prints reads back to the same', () => {
  const printed = readData('[http]\naccess-log-status-filters = ["4xx"]\n[[udp]]\n[[udp]]').print();
  expect(readData(printed).print()).toBe(printed);
  expect(printed).toContain('\n[http]\n  enabled = true\n');
  expect(printed.match(/\[\[udp\]\]/g)).toHaveLength(2);
  const meta = Config.read({ text: '', environment: {}, keys: metaKeys });
  expect(meta.print()).toContain('  lease-duration = "1m0s"');
});

test('config: lists take a comma-separated variable when empty, else one for all or one for each', () => {
  const name = 'INFLUXDB_HTTP_ACCESS_LOG_STATUS_FILTERS';
  const filters = (text: string, environment: Record<string, string>) =>
    readData(text, environment).get('http', 'access-log-status-filters');
  expect(filters('', { [name]: '4xx,5xx' })).toEqual(['4xx', '5xx']);
  expect(filters('', { [`${name}_0`]: '4xx' })).toEqual([]);
  const set = '[http]\naccess-log-status-filters = ["2xx", "5xx"]';
  expect(filters(set, { [`${name}_0`]: '3xx' })).toEqual(['3xx', '5xx']);
  expect(filters(set, { [name]: '4xx', [`${name}_0`]: '3xx' })).toEqual(['3xx', '4xx']);
});
