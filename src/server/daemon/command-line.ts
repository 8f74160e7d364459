import { DbError } from '../../base/errors.ts';
import { parseGoFlags, type Flags } from '../../base/go-flags.ts';

export type DaemonName = 'influxd' | 'influxd-meta';

export interface CommandLine {
  /** `offline`: one of those that work on a stopped node's folders. */
  readonly command: 'run' | 'config' | 'version' | 'help' | 'offline';
  readonly offline?: { readonly name: string; readonly flags: Flags; readonly isHelp: boolean };
  readonly configPath: string | undefined;
  readonly pidfile: string | undefined;
  /** influxd-meta: overrides `hostname`. */
  readonly hostname: string | undefined;
  /** influxd-meta: found a cluster of one at start (spec F9). */
  readonly isSingleServer: boolean;
  /** Where profiles of the whole run are written at its end. */
  readonly cpuProfilePath: string | undefined;
  readonly heapProfilePath: string | undefined;
}

const commands = ['run', 'config', 'version', 'help'] as const;
/** Commands of the reference that are still to come. */
const laterCommands = ['backup', 'restore'];
const runFlags = { config: 'text', pidfile: 'text', cpuprofile: 'text', memprofile: 'text' } as const; // prettier-ignore
const metaFlags = { 'single-server': 'switch', hostname: 'text' } as const;

/** A command that works on the folders of a node that is stopped, and its flags beside -config. */
export interface OfflineSyntax {
  readonly name: string;
  /** In the list of commands. */
  readonly about: string;
  readonly flags: Readonly<Record<string, 'text' | 'switch'>>;
}

/** The command line of a daemon (spec 1.12): `run` is the default. Throws invalid_argument with the reference's texts. */
export function parseCommandLine(
  name: DaemonName,
  argv: readonly string[],
  offline: readonly OfflineSyntax[] = [],
): CommandLine {
  const [first = ''] = argv;
  const own = offline.find((command) => command.name === first);
  if (own !== undefined) return parseOffline(own, argv.slice(1));
  const isNamed = first !== '' && !first.startsWith('-');
  const command = isNamed ? commands.find((one) => one === first) : 'run';
  if (command === undefined) {
    if (name === 'influxd' && laterCommands.includes(first))
      throw new DbError('unsupported', `${first}: this command is not supported in this version`);
    const hint = `Run '${name} help' for usage`;
    throw new DbError('invalid_argument', `unknown command "${first}"\n${hint}`);
  }
  const args = isNamed ? argv.slice(1) : argv;
  const isHelp = args.some(isHelpFlag);
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
    cpuProfilePath: text('cpuprofile'),
    heapProfilePath: text('memprofile'),
  };
}

function parseOffline({ name, flags: kinds }: OfflineSyntax, args: readonly string[]): CommandLine {
  const isHelp = args.some(isHelpFlag);
  const flags = isHelp
    ? { values: {}, rest: [] }
    : parseGoFlags(args, { config: 'text', ...kinds });
  const [unknown] = flags.rest;
  if (unknown !== undefined)
    throw new DbError('invalid_argument', `${name}: unexpected argument: ${unknown}`);
  const { config } = flags.values;
  return {
    command: 'offline',
    offline: { name, flags, isHelp },
    configPath: typeof config === 'string' && config !== '' ? config : undefined,
    pidfile: undefined,
    hostname: undefined,
    isSingleServer: false,
    cpuProfilePath: undefined,
    heapProfilePath: undefined,
  };
}

function isHelpFlag(arg: string): boolean {
  return /^--?(h|help)$/.test(arg);
}

export function usage(name: DaemonName, offline: readonly OfflineSyntax[] = []): string {
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
${offline.map((command) => `    ${command.name.padEnd(21)}${command.about}\n`).join('')}
"run" is the default command. Its flags:

  -config path        the configuration file
  -pidfile path       where the process id is written
  -cpuprofile path    where a profile of the processor is written at the end
  -memprofile path    where a profile of the memory is written at the end
${more}`;
}
