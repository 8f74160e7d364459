import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import type { Config } from '../config/config.ts';
import type { KeyTable, loggingKeys } from '../config/key.ts';
import type { Env } from '../env/env.ts';
import { createNodeEnv } from '../env/node/node-env.ts';
import type { LogLevel } from '../env/log.ts';
import { GrpcTransport } from '../rpc/grpc/grpc-transport.ts';
import { version } from './version.ts';

/** The process it runs in: what only a main module may touch. */
export interface HostProcess {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  exit(code: number): void;
}

export interface RunningServer {
  close(): Promise<void>;
}

/** One of the two daemons. */
export interface Daemon<Table extends KeyTable & { readonly logging: typeof loggingKeys }> {
  readonly name: 'influxd' | 'influxd-meta';
  /** Looked for in this order when no `-config` is given. */
  readonly configPaths: readonly string[];
  readonly generatedName: string;
  readonly read: (text: string | undefined) => Config<Table>;
  readonly start: (
    env: Env,
    config: Config<Table>,
    onFatal: (error: unknown) => void,
  ) => Promise<RunningServer>;
  readonly reloadsOnHup: boolean;
}

const stopMs = 30_000;
/** Set by a launcher: the node stops when its standard input ends, so that it does not outlive the launcher. */
const stopOnStdinEnd = 'VARVE_STOP_ON_STDIN_END';

/** The command line of a daemon: run (the default), config, version. Answers the exit code, or 0 once it runs. */
export async function runDaemon<Table extends KeyTable & { readonly logging: typeof loggingKeys }>(
  daemon: Daemon<Table>,
  host: HostProcess,
): Promise<void> {
  const { argv } = host;
  const commands = ['run', 'config', 'version', 'help'];
  const [first = ''] = argv;
  const command = commands.includes(first) ? first : 'run';
  const args = command === first ? argv.slice(1) : argv;
  try {
    const flags = parseGoFlags(args, {
      config: 'text',
      pidfile: 'text',
      'single-server': 'switch',
    });
    if (command === 'version')
      process.stdout.write(`InfluxDB v${version} (git: unknown unknown)\n`);
    else if (command === 'help') process.stdout.write(usage(daemon.name));
    else {
      const path = configPath(daemon, host, flags.values['config']);
      const config = daemon.read(path === undefined ? undefined : readFileSync(path, 'utf8'));
      if (command === 'config') process.stdout.write(config.print());
      else await run(daemon, config, { host, path, pidfile: flags.values['pidfile'] });
    }
  } catch (error) {
    const hint = `To generate a valid configuration file run \`${daemon.name} config > ${daemon.generatedName}\``;
    process.stderr.write(`${command}: ${errorText(error)}. ${hint}\n`);
    process.exitCode = 1;
  }
}

interface Started {
  readonly host: HostProcess;
  readonly path: string | undefined;
  readonly pidfile: string | true | undefined;
}

async function run<Table extends KeyTable & { readonly logging: typeof loggingKeys }>(
  daemon: Daemon<Table>,
  config: Config<Table>,
  { host, path, pidfile }: Started,
): Promise<void> {
  const env = createNodeEnv({
    log: {
      format: logging(config, 'format') as 'auto',
      level: logging(config, 'level') as LogLevel,
    },
    engineWorkerUrl: new URL('./engine-worker.ts', import.meta.url),
    createTransport: (ports) => new GrpcTransport(ports),
  });
  for (const notice of config.notices()) env.log.warn(notice);
  const running: { server?: RunningServer } = {};
  let isStopping = false;
  const stop = (why: string, code: number): void => {
    // A second signal, or a stop that hangs, ends it at once (spec F116).
    if (isStopping) {
      host.exit(1);
      return;
    }
    isStopping = true;
    env.log.info('Stopping', { why });
    env.clock.after(stopMs, () => {
      host.exit(1);
    });
    const done = running.server?.close() ?? Promise.resolve();
    done.then(
      () => {
        if (typeof pidfile === 'string') rmSync(pidfile, { force: true });
        host.exit(code);
      },
      (error: unknown) => {
        env.log.error('The stop failed', { error: errorText(error) });
        host.exit(1);
      },
    );
  };
  listenToSignals(stop, host, () => {
    if (daemon.reloadsOnHup && path !== undefined) reload(daemon, path, env);
  });
  const onFatal = (error: unknown): void => {
    env.log.error('The node cannot go on', { error: errorText(error) });
    stop('a fatal error', 1);
  };
  running.server = await daemon.start(env, config, onFatal);
  if (typeof pidfile === 'string') writeFileSync(pidfile, `${process.pid}`);
}

function reload<Table extends KeyTable & { readonly logging: typeof loggingKeys }>(
  daemon: Daemon<Table>,
  path: string,
  env: Env,
): void {
  try {
    env.log.setLevel(logging(daemon.read(readFileSync(path, 'utf8')), 'level') as LogLevel);
    env.log.info('Reloaded the configuration');
  } catch (error) {
    env.log.error('The configuration was not reloaded', { error: errorText(error) });
  }
}

function logging(config: unknown, key: 'format' | 'level'): string {
  return (config as Config<{ readonly logging: typeof loggingKeys }>).get('logging', key);
}

function configPath(
  daemon: { readonly configPaths: readonly string[] },
  host: HostProcess,
  given: string | true | undefined,
): string | undefined {
  if (typeof given === 'string') return given === '/dev/null' ? undefined : given;
  const named = host.environment['INFLUXDB_CONFIG_PATH'];
  if (named !== undefined && named !== '') return named === '/dev/null' ? undefined : named;
  return daemon.configPaths.find((path) => existsSync(path));
}

function usage(name: string): string {
  return `Usage: ${name} [[command] [arguments]]\n\nThe commands are:\n\n    config     display the effective configuration\n    run        run the node with a configuration (the default)\n    version    display the version\n\n"-config path" names the configuration file, "-pidfile path" the file to write the process id to.\n`;
}

function listenToSignals(
  stop: (why: string, code: number) => void,
  host: HostProcess,
  onHup: () => void,
): void {
  process.on('SIGTERM', () => {
    stop('SIGTERM', 0);
  });
  process.on('SIGINT', () => {
    stop('SIGINT', 0);
  });
  process.on('SIGHUP', onHup);
  if (host.environment[stopOnStdinEnd] !== '1') return;
  const end = (): void => {
    stop('the launcher is gone', 0);
  };
  process.stdin.on('end', end).on('error', end).resume();
}
