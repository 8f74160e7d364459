import type { DiagnosticTable, Statistic } from '../../telemetry/statistics.ts';

/**
 * What receives points besides HTTP (spec F126 to F129), one for each enabled section of the configuration. To make one:
 * - a PointBatcher, to whose `lines` its points are pushed, with makeDatabase() or makePolicy() to prepare;
 * - a Datagrams or Connections on its `bind-address`; lines of text come out of a LineSplitter;
 * - a file of server/node/listeners, which `kinds` of open-listeners.ts has, and its keys as `now(...)` in config/data-keys.ts.
 */
export interface Listener {
  /** The reference's names and tags. */
  statistics(): readonly Statistic[];
  /** Of SHOW DIAGNOSTICS; left out where the reference says nothing. */
  diagnostics?(): readonly DiagnosticTable[];
  /** Takes nothing more, and writes what it has. */
  close(): Promise<void>;
}
