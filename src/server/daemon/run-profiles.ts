/**
 * Profiles of a daemon's whole run, as the reference has them: -cpuprofile and -memprofile make their files at the start, so
 * that a place that takes none stops it, and fill them at the stop.
 */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { DbError, errorText } from '../../base/errors.ts';
import type { Env } from '../../env/env.ts';
import { diskError } from '../../env/node/errno.ts';
import { cpuSamples, cpuTypes, heapSamples, heapTypes } from '../../http/debug/pprof.ts';
import { zippedProfile } from '../../http/debug/profile-files.ts';
import { StackTotals } from '../../http/debug/stack-totals.ts';
import type { CommandLine } from './command-line.ts';

type Ports = Pick<Env, 'clock' | 'log' | 'profiler'>;
type Paths = Pick<CommandLine, 'cpuProfilePath' | 'heapProfilePath'>;

/** One that is being taken; `file` is filled with what it gives. */
interface Taken {
  readonly name: string;
  readonly file: number;
  readonly profile: Promise<Uint8Array>;
}

export class RunProfiles {
  readonly #log: Env['log'];
  readonly #over = new AbortController();
  #taken: readonly Taken[] = [];

  private constructor(log: Env['log']) {
    this.#log = log;
  }

  /** Throws where a file cannot be made. */
  static begin(ports: Ports, { cpuProfilePath, heapProfilePath }: Paths): RunProfiles {
    const profiles = new RunProfiles(ports.log);
    const { signal } = profiles.#over;
    const files = [
      { name: 'CPU', path: cpuProfilePath, flag: 'cpuprofile', take: recordCpu },
      { name: 'mem', path: heapProfilePath, flag: 'memprofile', take: recordHeap },
    ].flatMap(({ path, flag, ...kind }) =>
      path === undefined ? [] : [{ ...kind, path, file: openFile(flag, path) }],
    );
    profiles.#taken = files.map(({ name, path, file, take }) => {
      ports.log.info(`writing ${name} profile`, { location: path });
      const profile = take(ports, signal);
      // What failed is told when it is to be written.
      profile.catch(() => undefined);
      return { name, file, profile };
    });
    return profiles;
  }

  /** Writes them; done once, however often it is asked for. */
  async end(): Promise<void> {
    const taken = this.#taken;
    this.#taken = [];
    this.#over.abort();
    for (const { name, file, profile } of taken) {
      try {
        writeFileSync(file, await profile);
        closeSync(file);
        this.#log.info(`${name} profile stopped`);
      } catch (error) {
        this.#log.error(`The ${name} profile was not written`, { error: errorText(error) });
      }
    }
  }
}

function openFile(flag: string, path: string): number {
  try {
    return openSync(path, 'w');
  } catch (error) {
    const { code, message } = diskError('open', path, error);
    throw new DbError(code, `${flag}: ${message}`, { cause: error });
  }
}

async function recordCpu({ clock, profiler }: Ports, signal: AbortSignal): Promise<Uint8Array> {
  const timeNs = clock.wallNs();
  const totals = new StackTotals();
  await profiler.recordCpu(signal, (threads) => {
    totals.add(cpuSamples(threads));
  });
  const durationNs = clock.wallNs() - timeNs;
  return zippedProfile(totals.list(), { timeNs, durationNs, types: cpuTypes });
}

async function recordHeap({ clock, profiler }: Ports, signal: AbortSignal): Promise<Uint8Array> {
  const samples = heapSamples(await profiler.recordHeap(signal));
  return zippedProfile(samples, { timeNs: clock.wallNs(), durationNs: 0n, types: heapTypes });
}
