import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Config } from '../../config/config.ts';
import type { Environment } from '../../config/environment.ts';
import type { KeyTable, loggingKeys } from '../../config/key.ts';
import type { Env } from '../../env/env.ts';
import { keepCompiledCode } from '../../env/node/kept-code.ts';
import type { RootLog } from '../../env/log.ts';
import type { DialMsOf } from '../../rpc/grpc/grpc-transport.ts';
import type { SecureDialOf } from '../../rpc/grpc/secure-dial.ts';
import type { OfflineFlags, OfflinePorts } from '../../cli/influxdb/offline-ports.ts';
import { parseCommandLine, usage, type CommandLine, type DaemonName, type OfflineSyntax } from './command-line.ts'; // prettier-ignore
import { findConfigFile, readConfigFile, type ConfigFilePlaces } from './config-file.ts';
import { loggingSettings } from './logging-settings.ts';
import { logo } from './logo.ts';
import { writePidFile } from './pid-file.ts';
import { Shutdown } from './shutdown.ts';
import { version, versionLine } from './version.ts';

/** The process it runs in: what only a main module may touch. */
export interface HostProcess {
  readonly argv: readonly string[];
  readonly environment: Environment;
  exit(code: number): void;
}

export interface RunningServer {
  close(): Promise<void>;
}

export interface RunningDaemon<Table extends KeyTable> extends RunningServer {
  /** Takes what it can from a configuration read anew (SIGHUP). */
  readonly reload: (config: Config<Table>) => void;
}

/** The world of a node that has its process for itself. */
export type DaemonEnv = Env & { readonly log: RootLog };

type LoggingTable = KeyTable & { readonly logging: typeof loggingKeys };

/** Works on the folders that a configuration names while no node does. */
export interface OfflineCommand<Table extends KeyTable> extends OfflineSyntax {
  readonly usage: string;
  readonly run: (ports: OfflinePorts, config: Config<Table>, flags: OfflineFlags) => Promise<void>;
}

/** One of the two daemons. */
export interface Daemon<Table extends LoggingTable> {
  readonly name: DaemonName;
  readonly places: ConfigFilePlaces;
  readonly generatedName: string;
  readonly read: (input: {
    readonly text: string | undefined;
    readonly environment: Environment;
  }) => Config<Table>;
  readonly offline?: readonly OfflineCommand<Table>[];
  /** How other nodes are called. */
  readonly secureDial: (config: Config<Table>) => SecureDialOf;
  /** How long calls wait for a connection; left out: all alike. */
  readonly dialMs?: (config: Config<Table>) => DialMsOf;
  /** What it looks at before it opens anything. */
  readonly check: (config: Config<Table>, log: Env['log']) => void;
  readonly start: (
    env: DaemonEnv,
    config: Config<Table>,
    more: { readonly line: CommandLine; readonly onFatal: (error: unknown) => void },
  ) => Promise<RunningDaemon<Table>>;
}

/** Set by a launcher: the node stops when its standard input ends, so that it does not outlive the launcher. */
const stopOnStdinEnd = 'VARVE_STOP_ON_STDIN_END';

/** Runs a daemon's command line (spec 1.12). What fails is told on standard error, and the process exits with 1. */
export async function runDaemon<Table extends LoggingTable>(
  daemon: Daemon<Table>,
  host: HostProcess,
): Promise<void> {
  // A full disk or a reader that is gone takes no text; a node starts and serves all the same.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  try {
    const line = parseCommandLine(daemon.name, host.argv, daemon.offline);
    if (line.command === 'version') process.stdout.write(versionLine(daemon.name));
    else if (line.command === 'help') process.stdout.write(usage(daemon.name, daemon.offline));
    else if (line.command === 'config') showConfig(new ConfigSource(daemon, line, host));
    else if (line.command === 'offline') await runOffline(daemon, line, host);
    else await run(daemon, new ConfigSource(daemon, line, host), host);
  } catch (error) {
    process.stderr.write(`${errorText(error)}\n`);
    // Not exitCode: threads and listeners of a start that failed half-way would keep it alive.
    host.exit(1);
  }
}

/** Where a daemon's configuration comes from; read again at SIGHUP. */
class ConfigSource<Table extends LoggingTable> {
  readonly line: CommandLine;
  readonly path: string | undefined;
  readonly #daemon: Daemon<Table>;
  readonly #environment: Environment;

  constructor(daemon: Daemon<Table>, line: CommandLine, { environment }: HostProcess) {
    this.line = line;
    this.#daemon = daemon;
    const { hostname } = line;
    this.#environment =
      hostname === undefined ? environment : { ...environment, INFLUXDB_HOSTNAME: hostname };
    this.path = findConfigFile(line.configPath, environment, daemon.places);
  }

  /** Throws invalid_argument with the command, what is wrong, and how to get a file that is right. */
  read(): Config<Table> {
    const { name, generatedName, read } = this.#daemon;
    const { path, line } = this;
    try {
      const text = path === undefined ? undefined : readConfigFile(path);
      return read({ text, environment: this.#environment });
    } catch (error) {
      if (!isDbError(error, 'invalid_argument')) throw error;
      const what = error.message.startsWith('INFLUXDB_') ? 'apply env config' : 'parse config';
      const hint = `To generate a valid configuration file run \`${name} config > ${generatedName}\``;
      const text = `${line.command}: ${what}: ${error.message.trimEnd()}. ${hint}`;
      throw new DbError('invalid_argument', text, { cause: error });
    }
  }
}

async function runOffline<Table extends LoggingTable>(
  daemon: Daemon<Table>,
  line: CommandLine,
  host: HostProcess,
): Promise<void> {
  const command = daemon.offline?.find(({ name }) => name === line.offline?.name);
  if (command === undefined || line.offline === undefined) return;
  if (line.offline.isHelp) {
    process.stdout.write(command.usage);
    return;
  }
  const { values } = line.offline.flags;
  const { NodeDisk } = await import('../../env/node/node-disk.ts');
  const ports = { disk: new NodeDisk(), out: (text: string) => void process.stdout.write(text) };
  const flags: OfflineFlags = {
    text: (flag) => (typeof values[flag] === 'string' ? values[flag] : ''),
    has: (flag) => values[flag] === true,
  };
  try {
    await command.run(ports, new ConfigSource(daemon, line, host).read(), flags);
  } catch (error) {
    if (!isDbError(error)) throw error;
    throw new DbError(error.code, `${command.name}: ${error.message}`, { cause: error });
  }
}

function showConfig<Table extends LoggingTable>(source: ConfigSource<Table>): void {
  const { path } = source;
  if (path !== undefined) process.stderr.write(`Merging with configuration at: ${path}\n`);
  process.stdout.write(source.read().print());
}

async function run<Table extends LoggingTable>(
  daemon: Daemon<Table>,
  source: ConfigSource<Table>,
  host: HostProcess,
): Promise<void> {
  const config = source.read();
  const { format, level, suppressLogo, trouble } = loggingSettings(config);
  if (!suppressLogo && process.stdout.isTTY) process.stdout.write(logo);
  const { createNodeEnv } = await import('../../env/node/node-env.ts');
  const { GrpcTransport } = await import('../../rpc/grpc/grpc-transport.ts');
  const { YoungGarbage } = await import('../../env/node/garbage.ts');
  const { IdleGarbage } = await import('../../env/node/idle-garbage.ts');
  const env = createNodeEnv({
    log: { format, level },
    engineWorkerUrl: new URL('../node/engine-worker.ts', import.meta.url),
    createTransport: (ports) => {
      const dials = { secureDial: daemon.secureDial(config), dialMs: daemon.dialMs?.(config) };
      return new GrpcTransport({ ...ports, garbage: new YoungGarbage(), ...dials });
    },
  });
  const { line, path } = source;
  logStart(daemon.name, env.log, path);
  if (trouble !== undefined) env.log.error('Unable to configure logger', { error: trouble });
  const shutdown = new Shutdown({ clock: env.clock, log: env.log, exit: (code) => { host.exit(code); } }); // prettier-ignore
  // Last of all: by then more has been compiled than the start needed.
  shutdown.onStop(keepCompiledCode);
  new IdleGarbage().watch();
  if (line.pidfile !== undefined) shutdown.onStop(writePidFile(line.pidfile, process.pid));
  const running: { daemon?: RunningDaemon<Table> } = {};
  listenToSignals(shutdown, host, () => {
    reload(source, running.daemon, env);
  });
  process.on('uncaughtExceptionMonitor', (error) => {
    env.log.error('The node ends by an error nobody expected', { error: errorText(error) });
  });
  const onFatal = (error: unknown): void => {
    env.log.error('The node cannot go on', { error: errorText(error) });
    shutdown.begin('a fatal error', 1);
  };
  let isChecked = false;
  try {
    daemon.check(config, env.log);
    isChecked = true;
    const { RunProfiles } = await import('./run-profiles.ts');
    const profiles = RunProfiles.begin(env, line);
    const endProfiles = (): Promise<void> => profiles.end();
    shutdown.onStop(endProfiles);
    const started = await daemon.start(env, config, { line, onFatal });
    running.daemon = started;
    shutdown.onStop(() => started.close());
    // Before anything is closed: what ends with its threads is in them no more.
    shutdown.onStop(endProfiles);
    keepCompiledCode();
  } catch (error) {
    env.log.error('The start failed', { error: errorText(error) });
    const step = !isChecked || isDbError(error, 'license_invalid') ? 'create' : 'open';
    process.stderr.write(`run: ${step} server: ${errorText(error)}\n`);
    shutdown.begin('the start failed', 1);
  }
}

function logStart(name: DaemonName, log: Env['log'], path: string | undefined): void {
  const what = name === 'influxd' ? 'InfluxDB starting' : 'InfluxDB Meta starting';
  log.info(what, { version, branch: 'unknown', commit: 'unknown' });
  log.info('Node.js runtime', { version: process.version, pid: process.pid });
  if (path === undefined) log.info('No configuration provided, using default settings');
  else log.info('Using configuration', { path });
}

function reload<Table extends LoggingTable>(
  source: ConfigSource<Table>,
  daemon: RunningDaemon<Table> | undefined,
  env: Env,
): void {
  if (daemon === undefined) return;
  try {
    const config = source.read();
    env.log.setLevel(loggingSettings(config).level);
    daemon.reload(config);
    env.log.info('Reloaded the configuration');
  } catch (error) {
    env.log.error('The configuration was not reloaded', { error: errorText(error) });
  }
}

function listenToSignals(shutdown: Shutdown, host: HostProcess, onHup: () => void): void {
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      shutdown.begin(signal, 0);
    });
  process.on('SIGHUP', onHup);
  if (host.environment[stopOnStdinEnd] !== '1') return;
  let hasEnded = false;
  const end = (): void => {
    // An error is followed by the end: it must not count as a second signal.
    if (hasEnded) return;
    hasEnded = true;
    shutdown.begin('the launcher is gone', 0);
  };
  process.stdin.on('end', end).on('error', end).on('close', end).resume();
}
