import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { quoteGo } from '../../base/go-format.ts';
import { formatGoTime } from '../../base/rfc3339.ts';
import { exactTextOf } from '../../base/exact-text.ts';
import { formatElapsed } from '../../influxql/duration.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { tombstoneEntries } from './folders/tombstone-entries.ts';
import { walkFiles } from './folders/walk-files.ts';

const progressEntries = 10_000_000;

type Verbosity = 0 | 1 | 2 | 3;

export const verifyTombstoneCommand: InspectCommand = {
  name: 'verify-tombstone',
  flags: { path: 'text', dir: 'text', v: 'switch', vv: 'switch', vvv: 'switch' },
  usage: ({ home }) => `Usage of verify-tombstone:
  -path string
    	path to find tombstone files (default "${home}/.influxdb")
  -v	verbose: emit periodic progress
  -vv
    	very verbose: emit every tombstone entry key and time range
  -vvv
    	very very verbose: emit every tombstone entry key and RFC3339Nano time range
`,
  run: async (ports, given) => {
    // The manual says -dir, the program -path.
    const folder = given.text('path', given.text('dir', `${ports.home}/.influxdb`));
    const verbosity = given.has('vvv') ? 3 : given.has('vv') ? 2 : given.has('v') ? 1 : 0;
    const startMs = ports.clock.monotonicMs();
    let hasFailed = false;
    for await (const path of walkFiles(ports.disk, folder, (name) => name.endsWith('.tombstone')))
      hasFailed = !(await verifyFile(ports, path, { verbosity, startMs })) || hasFailed;
    if (hasFailed) throw new DbError('corrupt', 'failed tombstone verification');
  },
};

/** Whether all of a file reads. */
async function verifyFile(
  { disk, clock, out }: InspectPorts,
  path: string,
  { verbosity, startMs }: { readonly verbosity: Verbosity; readonly startMs: number },
): Promise<boolean> {
  if (verbosity > 0) await out(`Verifying: ${quoteGo(path)}\n`);
  if ((await disk.size(path)) === 0) {
    await out(`${path} has no tombstone entries`);
    return true;
  }
  let entryCount = 0;
  try {
    for await (const { key, minTimeNs, maxTimeNs } of tombstoneEntries(disk, path)) {
      entryCount++;
      if (verbosity > 0 && entryCount % progressEntries === 0)
        await out(`Verified ${entryCount} tombstone entries\n`);
      else if (verbosity > 1) {
        const [min, max] = [minTimeNs, maxTimeNs].map((time) => (verbosity > 2 ? goTime(time) : String(time))); // prettier-ignore
        await out(`key: ${quoteGo(exactTextOf(key))}, min: ${min}, max: ${max}\n`);
      }
    }
  } catch (error) {
    if (!isDbError(error)) throw error;
    await out(`${quoteGo(path)} failed to walk tombstone entries: ${errorText(error)}. Last okay entry: ${entryCount}\n`); // prettier-ignore
    return false;
  }
  const elapsed = formatElapsed(clock.monotonicMs() - startMs);
  await out(`Completed verification for ${quoteGo(path)} in ${elapsed}.\nVerified ${entryCount} entries\n\n`); // prettier-ignore
  return true;
}

/** As Go prints a time by itself. */
function goTime(timeNs: bigint): string {
  return formatGoTime(timeNs);
}
