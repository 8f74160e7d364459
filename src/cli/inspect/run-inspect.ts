import { errorText, isDbError } from '../../base/errors.ts';
import { parseGoFlags } from '../../base/go-flags.ts';
import { deletetsmCommand } from './deletetsm-command.ts';
import { dumptsmCommand } from './dumptsm-command.ts';
import { dumptsmwalCommand } from './dumptsmwal-command.ts';
import { exportCommand } from './export-command.ts';
import { indexCommands } from './index-commands.ts';
import type { InspectCommand, InspectPorts } from './inspect-ports.ts';
import { reportCommand } from './report-command.ts';
import { reportDiskCommand } from './report-disk-command.ts';
import { salvageCommand } from './salvage/salvage-command.ts';
import { checkSchemaCommand, mergeSchemaCommand } from './schema-commands.ts';
import { verifyCommand } from './verify-command.ts';
import { verifyTombstoneCommand } from './verify-tombstone-command.ts';

const commands: readonly InspectCommand[] = [
  deletetsmCommand,
  dumptsmCommand,
  dumptsmwalCommand,
  exportCommand,
  reportCommand,
  reportDiskCommand,
  salvageCommand,
  checkSchemaCommand,
  mergeSchemaCommand,
  verifyCommand,
  verifyTombstoneCommand,
  ...indexCommands,
];

const usage = `Usage: influx_inspect [[command] [arguments]]

The commands are:

    check-schema         check for conflicts in the types between shards
    deletetsm            bulk measurement deletion of raw tsm file
    dumptsi              dumps low-level details about tsi1 files
    dumptsm              dumps low-level details about tsm1 files
    dumptsmwal           dumps the entries of segments of the write-ahead log
    export               exports raw data from a shard to line protocol
    buildtsi             generates tsi1 indexes from tsm1 data
    help                 display this help message
    merge-schema         merge a set of schema files from the check-schema command
    report               displays a shard level cardinality report
    report-disk          displays a shard level disk usage report
    report-db            estimates cloud 2 cardinality for a database
    reporttsi            reports series cardinality in one or more TSI indexes.
    salvage              makes what can be read of a damaged shard the shard (ours)
    verify               verifies integrity of TSM files
    verify-seriesfile    verifies integrity of the Series file
    verify-tombstone     verifies integrity of tombstone files

"help" is the default command.

Use "influx_inspect [command] -help" for more information about a command.
`;

/** What Go's flag package ends a program with when its flags are wrong. */
const flagsWrong = 2;

/** Runs one `influx_inspect` command line (spec 1.12); answers the exit code. */
export async function runInspect(args: readonly string[], ports: InspectPorts): Promise<number> {
  const [first = 'help', ...rest] = args;
  if (first === 'help' || first === '' || first.startsWith('-')) {
    await ports.out(usage);
    return 0;
  }
  // Its earlier name.
  if (first === 'dumptsmdev')
    ports.err('warning: dumptsmdev is deprecated, use dumptsm instead.\n');
  const name = first === 'dumptsmdev' ? 'dumptsm' : first;
  const command = commands.find((one) => one.name === name);
  if (command === undefined) {
    ports.err(`unknown command "${first}"\nRun 'influx_inspect help' for usage\n`);
    return 1;
  }
  const given = await flagsOf(command, rest, ports);
  if (typeof given === 'number') return given;
  try {
    await command.run(ports, given);
    return 0;
  } catch (error) {
    if (!isDbError(error)) throw error;
    ports.err(`${prefixes[name] ?? name}: ${errorText(error)}\n`);
    return 1;
  }
}

/** As the reference names it in its errors. */
const prefixes: Readonly<Record<string, string>> = {
  'report-disk': 'report',
  'merge-schema': 'resolve-conflicts',
};

/** The exit code where the command line asks for no more, or is wrong. */
async function flagsOf(
  command: InspectCommand,
  args: readonly string[],
  ports: InspectPorts,
): Promise<Parameters<InspectCommand['run']>[1] | number> {
  try {
    const kinds = { ...command.flags, h: 'switch', help: 'switch' } as const;
    const { values, rest } = parseGoFlags(args, kinds);
    if (values['h'] === true || values['help'] === true) {
      await tellUsage(ports, command);
      return 0;
    }
    return {
      text: (flag, byDefault = '') => {
        const value = values[flag];
        return typeof value === 'string' ? value : byDefault;
      },
      has: (flag) => values[flag] === true,
      rest,
    };
  } catch (error) {
    if (!isDbError(error, 'invalid_argument')) throw error;
    await tellUsage(ports, command, `${error.message}\n`);
    return flagsWrong;
  }
}

async function tellUsage(ports: InspectPorts, command: InspectCommand, before = ''): Promise<void> {
  const text = command.usage(ports);
  if (command.usageGoesTo === 'err') ports.err(before + text);
  else await ports.out(before + text);
}
