/** Profiles as `go tool pprof` opens them: zipped messages of profile.proto. Each throws `conflict` while another is taken. */
import { gzipSync } from 'node:zlib';
import type { Clock } from '../../env/clock.ts';
import type { HeapOptions } from '../../env/profiler.ts';
import { goroutineSamples, type GoroutinePorts } from './goroutines.ts';
import { allocsTypes, contentionTypes, cpuSamples, cpuTypes, encodeProfile, goroutineTypes, heapSamples, heapTypes, threadSamples, threadTypes, type ProfileFacts, type StackSample } from './pprof.ts'; // prettier-ignore

export interface ProfilePorts extends GoroutinePorts {
  readonly clock: Clock;
  readonly commandLine: readonly string[];
  /** What an archive has of the node besides; left out where there is nothing. */
  readonly tables?: (() => Promise<readonly NamedTable[]>) | undefined;
}

export interface NamedTable {
  readonly name: string;
  readonly text: string;
}

export async function cpuProfile(
  { clock, profiler }: ProfilePorts,
  durationMs: number,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const samples = cpuSamples(await profiler.cpu(durationMs, signal));
  return zippedProfile(samples, { timeNs, durationNs: clock.wallNs() - timeNs, types: cpuTypes });
}

/** What threads hold of what they were given meanwhile, or all that they were given. */
export async function heapProfile(
  { clock, profiler }: ProfilePorts,
  options: HeapOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const samples = heapSamples(await profiler.heap(options, signal));
  const types = options.isAll ? allocsTypes : heapTypes;
  return zippedProfile(samples, { timeNs, durationNs: 0n, types });
}

export async function goroutineProfile(
  ports: ProfilePorts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = ports.clock.wallNs();
  const samples = await goroutineSamples(ports, signal);
  return zippedProfile(samples, { timeNs, durationNs: 0n, types: goroutineTypes });
}

export async function threadProfile(
  { clock, profiler }: ProfilePorts,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const samples = threadSamples(await profiler.threads(signal));
  return zippedProfile(samples, { timeNs, durationNs: 0n, types: threadTypes });
}

/** Without a sample: no thread waits for another one's lock here. */
export function contentionProfile({ clock }: ProfilePorts): Uint8Array {
  return zippedProfile([], { timeNs: clock.wallNs(), durationNs: 0n, types: contentionTypes });
}

export function zippedProfile(samples: readonly StackSample[], facts: ProfileFacts): Uint8Array {
  return gzipSync(encodeProfile(samples, facts));
}
