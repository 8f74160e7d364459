import { DbError, errorText } from '../../../base/errors.ts';
import type { Listener } from '../../../services/listeners/listener.ts';
import type { DiagnosticTable, Statistics } from '../../../telemetry/statistics.ts';
import type { DataConfig } from '../data-config.ts';
import type { ListenerKind, ListenerParts } from './listener-kind.ts';
import { collectd } from './collectd.ts';
import { graphite } from './graphite.ts';
import { opentsdb } from './opentsdb.ts';
import { udp } from './udp.ts';

/** In the order in which they start (spec F124). */
const kinds: readonly ListenerKind[] = [graphite, collectd, opentsdb, udp];

export interface Listeners {
  diagnostics(): readonly DiagnosticTable[];
  close(): Promise<void>;
}

/**
 * Starts what receives points besides HTTP, all sections that are enabled. Rejects with the reference's text when one cannot be:
 * then those before it have been closed.
 */
export async function openListeners(
  config: DataConfig,
  parts: Omit<ListenerParts, 'config' | 'writeTimeoutMs'> & {
    readonly statistics: Pick<Statistics, 'add'>;
  },
): Promise<Listeners> {
  const writeTimeoutMs = config.get('cluster', 'write-timeout');
  const listeners: Listener[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(listeners.map((listener) => listener.close()));
  };
  const enabled = kinds.filter((kind) => kind.sections(config).some(({ isEnabled }) => isEnabled));
  try {
    for (const kind of enabled)
      for (const section of kind.sections(config))
        if (section.isEnabled)
          listeners.push(await section.open({ ...parts, config, writeTimeoutMs }));
  } catch (error) {
    await close();
    throw new DbError('unavailable', `open service: ${errorText(error)}`, { cause: error });
  }
  parts.statistics.add(() => listeners.flatMap((listener) => listener.statistics()));
  return {
    diagnostics: () => [
      ...enabled.map((kind) => kind.table(config)),
      ...listeners.flatMap((listener) => listener.diagnostics?.() ?? []),
    ],
    close,
  };
}
