import { expect, test } from 'vitest';
import { Config } from '../../config/config.ts';
import { dataArrayKeys, dataKeys } from '../../config/data-keys.ts';
import { showDiagnostics } from '../../data/statements/show-monitor.ts';
import { configDiagnostics } from './config-diagnostics.ts';

function diagnosticsOf(text: string) {
  return configDiagnostics(Config.read({ text, environment: {}, keys: dataKeys, arrayKeys: dataArrayKeys })); // prettier-ignore
}

test('config diagnostics: a series for each part of the configuration, with its values', () => {
  const names = showDiagnostics(diagnosticsOf(''), '').map(({ name }) => name);
  expect(names).toEqual(['config', 'config-cluster', 'config-cqs', 'config-data', 'config-httpd', 'config-meta', 'config-monitor', 'config-precreator', 'config-retention', 'config-subscriber']); // prettier-ignore
  const [retention] = showDiagnostics(diagnosticsOf('[retention]\ncheck-interval = "1h"'), 'config-retention'); // prettier-ignore
  expect(retention).toMatchObject({ columns: ['check-interval', 'enabled'], rows: [['1h0m0s', true]] }); // prettier-ignore
});

test('config diagnostics: of what is switched off that alone is said', () => {
  const text = '[retention]\nenabled = false\n[monitor]\nstore-enabled = false';
  const of = (name: string) => diagnosticsOf(text).find((one) => one.name === name)?.values;
  expect(of('config-retention')).toEqual({ enabled: false });
  expect(of('config-monitor')).toEqual({ 'store-enabled': false });
});

test('config diagnostics: nothing secret is among them', () => {
  const text = '[http]\nshared-secret = "hidden"\n[meta]\nmeta-internal-shared-secret = "hidden"\n[enterprise]\nlicense-key = "hidden"'; // prettier-ignore
  expect(JSON.stringify(diagnosticsOf(text))).not.toContain('hidden');
});
