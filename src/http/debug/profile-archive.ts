/** `/debug/pprof/all` (spec F107): every profile and what the node says of itself, as files of one archive. */
import { gzipSync } from 'node:zlib';
import { quoteGo } from '../../base/go-format.ts';
import { DbError, isDbError } from '../../base/errors.ts';
import { millisecondNs, secondMs, secondNs } from '../../base/units.ts';
import { parseTomlDurationNs } from '../../config/toml-duration.ts';
import { contentionProfile, cpuProfile, goroutineProfile, heapProfile, threadProfile, type ProfilePorts } from './profile-files.ts'; // prettier-ignore
import { tarOf } from './tar.ts';
import { traceEvents } from './trace-events.ts';

/** As in the reference. */
const durationMsMax = 45 * secondMs;

export interface ArchiveOptions {
  /** Milliseconds; undefined leaves the profile out. */
  readonly cpuMs: number | undefined;
  readonly traceMs: number | undefined;
  readonly heapMs: number;
}

/** Of the parameters `cpu`, `seconds` and `trace`. Throws `invalid_argument` with the reference's texts. */
export function archiveOptions(parameters: URLSearchParams, heapMs: number): ArchiveOptions {
  const last = (name: string): string | undefined => parameters.getAll(name).at(-1);
  const [cpu, seconds, trace] = [last('cpu'), last('seconds'), last('trace')];
  const asked = seconds === undefined ? cpu : `${seconds}s`;
  return {
    cpuMs: cpu === undefined ? undefined : durationOf(asked ?? '', 'cpu profile', cpu),
    traceMs: trace === undefined ? undefined : durationOf(trace, 'trace', trace),
    heapMs,
  };
}

function durationOf(text: string, what: string, said: string): number {
  const wrong = (why: string): DbError => new DbError('invalid_argument', why);
  if (/^-/.test(text)) throw wrong(`negative ${what} durations not allowed`);
  try {
    return Math.min(durationMsMax, Number(parseTomlDurationNs(text) / millisecondNs));
  } catch {
    throw wrong(`could not parse supplied duration for ${what} ${quoteGo(said)}`);
  }
}

/** Throws the signal's reason once nobody waits for it. */
export async function profileArchive(
  ports: ProfilePorts,
  { cpuMs, traceMs, heapMs }: ArchiveOptions,
  signal: AbortSignal,
): Promise<Uint8Array> {
  const files: { readonly name: string; readonly bytes: Uint8Array }[] = [];
  const add = (name: string, bytes: Uint8Array): void => {
    files.push({ name: `profiles/${name}`, bytes });
  };
  if (cpuMs !== undefined) add('cpu.pb.gz', await cpuProfile(ports, cpuMs, signal));
  add('goroutine.pb.gz', await goroutineProfile(ports, signal));
  for (const name of ['block', 'mutex']) add(`${name}.pb.gz`, contentionProfile(ports));
  for (const isAll of [false, true]) {
    const name = isAll ? 'allocs.pb.gz' : 'heap.pb.gz';
    const heap = heapProfile(ports, { durationMs: heapMs, isAll }, signal);
    const bytes = await heap.catch(unlessTaken);
    if (bytes !== undefined) add(name, bytes);
  }
  add('threadcreate.pb.gz', await threadProfile(ports, signal));
  if (traceMs !== undefined)
    add('trace.json', Buffer.from(traceEvents(await ports.profiler.cpu(traceMs, signal))));
  add('cmdline.txt', Buffer.from(ports.commandLine.join(' ')));
  for (const { name, text } of (await ports.tables?.()) ?? [])
    add(`${name}.txt`, Buffer.from(text));
  const seconds = Number(ports.clock.wallNs() / secondNs);
  return gzipSync(tarOf(files, seconds));
}

/** While the memory of the whole run is recorded there is no profile of all that is given out. */
function unlessTaken(error: unknown): undefined {
  if (!isDbError(error, 'conflict')) throw error;
}
