/** Runs influx_inspect on a disk of whatever kind, and keeps what it says. */
import { exactBytesOf, exactTextOf } from '../../src/base/exact-text.ts';
import { runInspect } from '../../src/cli/inspect/run-inspect.ts';
import type { Clock } from '../../src/env/clock.ts';
import type { Disk } from '../../src/env/disk.ts';

export interface Inspected {
  readonly code: number;
  /** Bytes that are no UTF-8 as base/exact-text.ts has them. */
  readonly out: string;
  readonly err: string;
}

export async function inspect(
  { disk, clock, workingFolder = '/' }: { readonly disk: Disk; readonly clock: Clock; readonly workingFolder?: string }, // prettier-ignore
  args: readonly string[],
): Promise<Inspected> {
  const out: Uint8Array[] = [];
  const err: string[] = [];
  const code = await runInspect(args, {
    disk,
    clock,
    home: '/home/user',
    workingFolder,
    out: (piece) => {
      out.push(typeof piece === 'string' ? exactBytesOf(piece) : piece.slice());
      return Promise.resolve();
    },
    err: (text) => {
      err.push(text);
    },
  });
  return { code, out: exactTextOf(Buffer.concat(out)), err: err.join('') };
}
