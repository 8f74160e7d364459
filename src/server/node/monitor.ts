import { performance, PerformanceObserver } from 'node:perf_hooks';
import { formatRfc3339 } from '../../base/rfc3339.ts';
import type { Clock } from '../../env/clock.ts';
import { memoryUsage } from '../../env/node/memory-usage.ts';
import { formatGoDuration } from '../../influxql/duration.ts';
import type { Diagnostic, Statistic } from '../../telemetry/statistics.ts';
import { announcedVersion } from '../daemon/version.ts';

/**
 * The memory and the collections of the main thread under the names that the reference has for them (spec 1.11). What only Go
 * counts, single allocations, is 0; a goroutine is what the process waits for.
 */
export class RuntimeStatistics {
  #count = 0;
  #pausedMs = 0;
  #lastMs = 0;

  constructor() {
    const observer = new PerformanceObserver((list) => {
      for (const { duration, startTime } of list.getEntries()) {
        this.#count++;
        this.#pausedMs += duration;
        this.#lastMs = performance.timeOrigin + startTime + duration;
      }
    });
    observer.observe({ entryTypes: ['gc'] });
  }

  read(): readonly Statistic[] {
    const { external, arrayBuffers } = memoryUsage();
    const { HeapInuse: HeapInUse, ...memory } = memoryStatistics();
    const go = { Frees: 0, HeapObjects: 0, HeapReleased: 0, Lookups: 0, Mallocs: 0, TotalAlloc: 0 };
    const values = {
      ...go,
      ...memory,
      HeapInUse,
      ...this.#collections(),
      NumGoroutine: process.getActiveResourcesInfo().length,
      External: external,
      ArrayBuffers: arrayBuffers,
    };
    return [{ name: 'runtime', tags: {}, values }];
  }

  /** Of /debug/vars, where Telegraf and others read memory and collections (spec 4.6). */
  memstats(): Readonly<Record<string, number>> {
    return {
      ...memoryStatistics(),
      ...this.#collections(),
      LastGC: Math.round(this.#lastMs * 1e6),
    };
  }

  #collections(): { readonly NumGC: number; readonly PauseTotalNs: number } {
    return { NumGC: this.#count, PauseTotalNs: Math.round(this.#pausedMs * 1e6) };
  }
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
  const { rss, heapTotal, heapUsed } = memoryUsage();
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
  };
}

/** Keys of `[data]` that the reference's `config` of /debug/vars has. */
export const shownKeys = ['aggressive-points-per-block', 'cache-max-memory-size', 'cache-snapshot-memory-size', 'cache-snapshot-write-cold-duration', 'compact-full-write-cold-duration', 'compact-throughput', 'compact-throughput-burst', 'dir', 'max-concurrent-compactions', 'max-index-log-file-size', 'max-series-per-database', 'max-values-per-tag', 'series-file-max-concurrent-compactions', 'series-id-set-cache-size', 'strict-error-handling', 'wal-dir', 'wal-fsync-delay']; // prettier-ignore

export function shownConfig(
  section: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return Object.fromEntries(shownKeys.flatMap((key) => (key in section ? [[key, section[key]]] : []))); // prettier-ignore
}
