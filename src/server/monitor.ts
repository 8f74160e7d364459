import { formatRfc3339 } from '../base/rfc3339.ts';
import type { Clock } from '../env/clock.ts';
import { formatGoDuration } from '../influxql/duration.ts';
import type { Diagnostic, Statistic } from '../telemetry/statistics.ts';
import { announcedVersion } from './version.ts';

/** The memory of this process under the names that the reference has for it (spec 1.11); what Go alone knows is left out. */
export function runtimeStatistics(): readonly Statistic[] {
  const { external, arrayBuffers } = process.memoryUsage();
  const { HeapInuse: HeapInUse, ...memory } = memoryStatistics();
  const values = { ...memory, HeapInUse, External: external, ArrayBuffers: arrayBuffers };
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

function memoryStatistics(): Readonly<
  Record<'Alloc' | 'HeapAlloc' | 'HeapInuse' | 'HeapSys' | 'HeapIdle' | 'Sys', number>
> {
  // prettier-ignore
  const { rss, heapTotal, heapUsed } = process.memoryUsage();
  const HeapIdle = Math.max(0, heapTotal - heapUsed);
  return { Alloc: heapUsed, HeapAlloc: heapUsed, HeapInuse: heapUsed, HeapSys: heapTotal, HeapIdle, Sys: rss }; // prettier-ignore
}

/** What /debug/vars says of the process (spec 4.6). */
export function processVars(diagnostics: readonly Diagnostic[]): Readonly<Record<string, unknown>> {
  const valuesOf = (wanted: string): Diagnostic['values'] =>
    diagnostics.find(({ name }) => name === wanted)?.values ?? {};
  const { currentTime, started } = valuesOf('system');
  return {
    system: { currentTime, started, uptime: Math.floor(process.uptime()) },
    build: valuesOf('build'),
    cmdline: process.argv,
    crypto: { FIPS: false, ensureFIPS: false, implementation: 'Node.js', passwordHash: 'scrypt' },
    memstats: memoryStatistics(),
  };
}
