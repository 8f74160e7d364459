import { DbError } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';

export type DaemonName = 'influxd' | 'influxd-meta';

export interface CommandLine {
  readonly command: 'run' | 'config' | 'version' | 'help';
  readonly configPath: string | undefined;
  readonly pidfile: string | undefined;
  /** influxd-meta: overrides `hostname`. */
  readonly hostname: string | undefined;
  /** influxd-meta: found a cluster of one at start (spec F9). */
  readonly isSingleServer: boolean;
  /** Flags that are accepted and do nothing yet. */
  readonly ignored: readonly string[];
}

const commands = ['run', 'config', 'version', 'help'] as const;
/** Commands of the reference that are still to come. */
const laterCommands = ['backup', 'restore'];
const runFlags = { config: 'text', pidfile: 'text', cpuprofile: 'text', memprofile: 'text' } as const; // prettier-ignore
const metaFlags = { 'single-server': 'switch', hostname: 'text' } as const;

/** The command line of a daemon (spec 1.12): `run` is the default. Throws invalid_argument with the reference's texts. */
export function parseCommandLine(name: DaemonName, argv: readonly string[]): CommandLine {
  const [first = ''] = argv;
  const isNamed = first !== '' && !first.startsWith('-');
  const command = isNamed ? commands.find((one) => one === first) : 'run';
  if (command === undefined) {
    if (name === 'influxd' && laterCommands.includes(first))
      throw new DbError('unsupported', `${first}: this command is not supported in this version`);
    const hint = `Run '${name} help' for usage`;
    throw new DbError('invalid_argument', `unknown command "${first}"\n${hint}`);
  }
  const args = isNamed ? argv.slice(1) : argv;
  const isHelp = args.some((arg) => /^--?(h|help)$/.test(arg));
  const kinds = name === 'influxd-meta' ? { ...runFlags, ...metaFlags } : runFlags;
  const values: Readonly<Record<string, string | true>> = isHelp ? {} : parseGoFlags(args, kinds).values; // prettier-ignore
  const text = (flag: string): string | undefined => {
    const value = values[flag];
    return typeof value === 'string' && value !== '' ? value : undefined;
  };
  return {
    command: isHelp ? 'help' : command,
    configPath: text('config'),
    pidfile: text('pidfile'),
    hostname: text('hostname'),
    isSingleServer: values['single-server'] === true,
    ignored: ['cpuprofile', 'memprofile'].filter((flag) => text(flag) !== undefined),
  };
}

export function usage(name: DaemonName): string {
  const kind = name === 'influxd' ? 'a data node' : 'a meta node';
  const more =
    name === 'influxd'
      ? ''
      : `  -hostname name      overrides hostname of the configuration
  -single-server      founds a cluster of this one meta node at start
`;
  return `Configures and starts ${kind}.

Usage: ${name} [[command] [arguments]]

The commands are:

    config               display the effective configuration
    help                 display this help message
    run                  run the node with a configuration
    version              display the version

"run" is the default command. Its flags:

  -config path        the configuration file
  -pidfile path       where the process id is written
${more}`;
}
