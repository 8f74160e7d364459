import { formatRfc3339 } from '../base/rfc3339.ts';
import type { Clock } from '../env/clock.ts';
import { formatGoDuration } from '../influxql/duration.ts';
import type { Diagnostic, Statistic } from '../telemetry/statistics.ts';
import { announcedVersion } from './version.ts';

/** The memory of this process under the names that the reference has for it (spec 1.11); what Go alone knows is left out. */
export function runtimeStatistics(): readonly Statistic[] {
  const { rss, heapTotal, heapUsed, external, arrayBuffers } = process.memoryUsage();
  const heap = { Alloc: heapUsed, HeapAlloc: heapUsed, HeapInUse: heapUsed, HeapSys: heapTotal };
  const values = { ...heap, Sys: rss, External: external, ArrayBuffers: arrayBuffers };
  return [{ name: 'runtime', tags: {}, values }];
}

/** What SHOW DIAGNOSTICS says of this process (F112). */
export function processDiagnostics(
  clock: Clock,
  options: { readonly hostname: string; readonly coreCount: number },
): () => readonly Diagnostic[] {
  const startedNs = clock.wallNs();
  return () => {
    const nowNs = clock.wallNs();
    const system = {
      PID: process.pid,
      currentTime: formatRfc3339(nowNs),
      started: formatRfc3339(startedNs),
      uptime: formatGoDuration(nowNs - startedNs),
    };
    const runtime = {
      GOARCH: process.arch === 'x64' ? 'amd64' : process.arch,
      GOMAXPROCS: options.coreCount,
      GOOS: process.platform,
      version: `node${process.versions.node}`,
    };
    const build = { Branch: 'unknown', 'Build Time': '', Commit: 'unknown', Version: announcedVersion.slice(1) }; // prettier-ignore
    return [
      { name: 'build', values: build },
      { name: 'network', values: { hostname: options.hostname } },
      { name: 'runtime', values: runtime },
      { name: 'system', values: system },
    ];
  };
}
