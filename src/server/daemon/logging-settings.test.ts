import { expect, test } from 'vitest';
import { Config } from '../../config/config.ts';
import { loggingKeys } from '../../config/key.ts';
import { loggingSettings } from './logging-settings.ts';

function settings(line: string) {
  const text = `[logging]\n${line}`;
  return loggingSettings(Config.read({ text, environment: {}, keys: { logging: loggingKeys } }));
}

/** As 1.12.4 runs with each. */
test.each([
  ['format = "json"', { format: 'json', level: 'info' }],
  ['format = ""', { format: 'auto', level: 'info' }],
  ['format = "auto"', { format: 'auto', level: 'info' }],
  ['format = "xml"', { format: 'auto', level: 'info', trouble: 'unknown logging format: xml' }],
  ['format = "console"', { format: 'auto', level: 'info', trouble: 'unknown logging format: console' }], // prettier-ignore
  ['level = ""', { format: 'logfmt', level: 'info' }],
  ['level = "WARN"', { format: 'logfmt', level: 'warn' }],
  ['level = "DPANIC"', { format: 'logfmt', level: 'error' }],
  ['level = "fatal"', { format: 'logfmt', level: 'error' }],
])('logging: %s', (line, expected) => {
  expect(settings(line)).toEqual({ ...expected, suppressLogo: false });
});
