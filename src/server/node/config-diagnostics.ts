import type { Diagnostic } from '../../telemetry/statistics.ts';
import type { DataConfig } from './data-config.ts';
import { shownKeys } from './monitor.ts';

interface Shown {
  readonly section: '' | 'cluster' | 'continuous_queries' | 'data' | 'http' | 'meta' | 'monitor' | 'retention' | 'shard-precreation' | 'subscriber'; // prettier-ignore
  readonly keys: readonly string[];
  /** The key that switches it on: off, it is all that is said. */
  readonly isOn?: string;
}

/** What of the configuration SHOW DIAGNOSTICS shows (F112): the reference's names and keys, where they are here. */
const shown: Readonly<Record<string, Shown>> = {
  config: { section: '', keys: ['bind-address', 'reporting-disabled'] },
  'config-cluster': { section: 'cluster', keys: ['log-queries-after', 'log-timedout-queries', 'max-concurrent-queries', 'max-select-buckets', 'max-select-point', 'max-select-series', 'query-timeout', 'write-timeout'] }, // prettier-ignore
  'config-cqs': { section: 'continuous_queries', keys: ['enabled', 'query-stats-enabled', 'run-interval'], isOn: 'enabled' }, // prettier-ignore
  'config-data': { section: 'data', keys: shownKeys },
  'config-httpd': { section: 'http', keys: ['access-log-path', 'bind-address', 'enabled', 'flux-enabled', 'https-enabled', 'https-insecure-certificate', 'max-connection-limit', 'max-row-limit'], isOn: 'enabled' }, // prettier-ignore
  'config-meta': { section: 'meta', keys: ['dir'] },
  'config-monitor': { section: 'monitor', keys: ['store-database', 'store-enabled', 'store-interval'], isOn: 'store-enabled' }, // prettier-ignore
  'config-precreator': { section: 'shard-precreation', keys: ['advance-period', 'check-interval', 'enabled'], isOn: 'enabled' }, // prettier-ignore
  'config-retention': { section: 'retention', keys: ['check-interval', 'enabled'], isOn: 'enabled' }, // prettier-ignore
  'config-subscriber': { section: 'subscriber', keys: ['enabled', 'http-timeout', 'write-buffer-size', 'write-concurrency'], isOn: 'enabled' }, // prettier-ignore
};

export function configDiagnostics(config: Pick<DataConfig, 'shown'>): readonly Diagnostic[] {
  return Object.entries(shown).map(([name, { section, keys, isOn }]) => {
    const all = config.shown(section);
    const said = isOn !== undefined && all[isOn] === false ? [isOn] : keys;
    const values = said.flatMap((key) => {
      const value = all[key];
      const isPlain = typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'; // prettier-ignore
      return isPlain ? [[key, value] as const] : [];
    });
    return { name, values: Object.fromEntries(values) };
  });
}
