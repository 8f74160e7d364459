import { expect, test } from 'vitest';
import { Config } from './config.ts';
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
])('config: %j stops with key, value and reason', (text, reason) => {
  expect(() => readData(text)).toThrow(reason);
});

test('config: a wrong value in the environment names its variable', () => {
  expect(() => readData('', { INFLUXDB_CLUSTER_WRITE_TIMEOUT: 'soon' })).toThrow(
    'INFLUXDB_CLUSTER_WRITE_TIMEOUT: [cluster] write-timeout = "soon": time: invalid duration "soon"',
  );
});

test.each([
  ['[http]\nauth-enabled = true', '[http] auth-enabled = true: this version does not enforce it'],
  ['[http]\nhttps-enabled = true', '[http] https-enabled = true'],
  ['[[opentsdb]]\ntls-enabled = true', '[[opentsdb]] tls-enabled = true'],
  ['[http]\nshared-secret = "abc"', '[http] shared-secret = [REDACTED]'],
])('config: %j protects, and is refused', (text, reason) => {
  expect(() => readData(text)).toThrow(reason);
});

test('config: what is not in effect is named, unknown keys are passed over', () => {
  const text =
    '[anti-entropy]\nenabled = true\n[new]\nkey = 1\n[http]\nnew = 2\n[[udp]]\nenabled = true';
  expect(readData(text).notices()).toEqual([
    '[anti-entropy] enabled is not in effect in this version',
    '[[udp]] enabled is not in effect in this version',
  ]);
  expect(readData().notices()).toEqual([]);
});

test('config: what it prints reads back to the same', () => {
  const printed = readData('[http]\naccess-log-status-filters = ["4xx"]\n[[udp]]\n[[udp]]').print();
  expect(readData(printed).print()).toBe(printed);
  expect(printed).toContain('\n[http]\n  enabled = true\n');
  expect(printed.match(/\[\[udp\]\]/g)).toHaveLength(2);
  const meta = Config.read({ text: '', environment: {}, keys: metaKeys });
  expect(meta.print()).toContain('  lease-duration = "1m0s"');
});

test('config: lists take a comma-separated variable when empty, indexed ones otherwise', () => {
  const name = 'INFLUXDB_HTTP_ACCESS_LOG_STATUS_FILTERS';
  expect(readData('', { [name]: '4xx,5xx' }).get('http', 'access-log-status-filters')).toEqual(['4xx', '5xx']); // prettier-ignore
  const set = '[http]\naccess-log-status-filters = ["2xx"]';
  expect(readData(set, { [name]: '4xx', [`${name}_0`]: '3xx' }).get('http', 'access-log-status-filters')).toEqual(['3xx']); // prettier-ignore
});
