import { parseConsistencyLevel } from '../../../data/write/consistency.ts';
import { DbError } from '../../../base/errors.ts';
import type { RepeatedSection } from '../../../config/config.ts';
import type { KeyTable } from '../../../config/key.ts';
import type { PointsWriter } from '../../../data/write/points-writer.ts';
import type { Env } from '../../../env/env.ts';
import type { MetaClient } from '../../../meta/client/meta-client.ts';
import type { Listener } from '../../../services/listeners/listener.ts';
import { PointBatcher, type PointBatcherOptions } from '../../../services/listeners/point-batcher.ts'; // prettier-ignore
import type { DiagnosticTable } from '../../../telemetry/statistics.ts';
import type { DataConfig } from '../data-config.ts';

/** What listeners are made of. */
export interface ListenerParts extends Pick<Env, 'clock' | 'disk' | 'inbound' | 'jobs' | 'log'> {
  readonly meta: Pick<MetaClient, 'catalog' | 'execute'>;
  readonly writer: Pick<PointsWriter, 'write'>;
  readonly writeTimeoutMs: number;
  readonly config: DataConfig;
}

/** A kind of listener as the configuration has it, with the section `[[name]]`. */
export interface ListenerKind {
  readonly name: string;
  sections(config: DataConfig): readonly {
    readonly isEnabled: boolean;
    open(parts: ListenerParts): Promise<Listener>;
  }[];
  /** Of SHOW DIAGNOSTICS. */
  table(config: DataConfig): DiagnosticTable;
}

type Enabled = { readonly enabled: KeyTable[string][string] };

/**
 * `shown` are the columns of SHOW DIAGNOSTICS behind `enabled`, in the reference's order. `open` is given a log whose lines say
 * `service=name`; it rejects with the reference's text.
 */
export function listenerKind<Keys extends KeyTable[string] & Enabled>(
  name: string,
  keys: Keys,
  {
    shown,
    open,
  }: {
    readonly shown: readonly (keyof Keys & string)[];
    readonly open: (section: RepeatedSection<Keys>, parts: ListenerParts) => Promise<Listener>;
  },
): ListenerKind {
  return {
    name,
    sections: (config) =>
      config.repeated(name, keys).map((section) => ({
        isEnabled: section.get('enabled') === true,
        open: (parts) => open(section, { ...parts, log: parts.log.child(name) }),
      })),
    table: (config) => ({
      name: `config-${name}`,
      columns: ['enabled', ...shown],
      rows: config.repeated(name, keys).map((section) => {
        const values = section.shown();
        const row = [true, ...shown.map((key) => values[key] as string | number)];
        return values['enabled'] === true ? row : [false];
      }),
    }),
  };
}

/** Batches of a listener, written with `level` as it stands in the configuration. Throws what is no level. */
export function openBatcher(
  { clock, log, writer, writeTimeoutMs: timeoutMs }: ListenerParts,
  options: PointBatcherOptions & {
    readonly level: string;
    readonly prepare: () => Promise<void>;
    /** Who writes, for the figures of what comes in. */
    readonly login: string;
  },
): PointBatcher {
  const level = parseConsistencyLevel(options.level);
  if (level === undefined) throw new DbError('invalid_argument', 'invalid consistency level');
  const write = (batch: Parameters<ConstructorParameters<typeof PointBatcher>[0]['write']>[0]) =>
    writer.write({ ...batch, level, timeoutMs, login: options.login });
  return new PointBatcher({ clock, log, write, prepare: options.prepare }, options);
}
