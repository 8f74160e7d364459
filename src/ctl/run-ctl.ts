import { hostname } from 'node:os';
import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import {
  nodeLabels,
  removeData,
  removeMeta,
  removeShard,
  truncateShards,
  updateData,
} from './change-nodes.ts';
import { copyShard, copyShardStatus, killCopyShard } from './copy-shard.ts';
import { join } from './join.ts';
import { leave } from './leave.ts';
import { decommission, rebalance, replaceData } from './rebalance.ts';
import { createToken, MetaHttp, type CtlOutput, type MetaCaller } from './meta-http.ts';
import { durationOf, globalFlags, optionsOf, type CtlOptions } from './options.ts';
import { show, showShards } from './show.ts';
import { commandNames, commandUsage, usage } from './usage.ts';

export interface CtlPorts extends CtlOutput {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** From now on the first Ctrl-C does not end the program, but what listens to this; a second one does. */
  readonly interrupts?: () => AbortSignal;
}

/** Runs one `influxd-ctl` command line; answers the exit code (spec 2). */
export async function runCtl(
  args: readonly string[],
  nowMs: () => number,
  output: CtlPorts,
): Promise<number> {
  let prefix = '';
  try {
    const flags = parseGoFlags(args, { ...globalFlags, h: 'switch', help: 'switch' });
    const [command = 'help', ...rest] = flags.rest;
    if (command === 'help' || isHelp(flags.values)) {
      output.out(usage);
      return 0;
    }
    assertKnown(command);
    const options = optionsOf(flags, output.environment);
    prefix = `${command}: `;
    const meta = new MetaHttp(options, nowMs);
    await runCommand(command, rest, { ...output, meta, options, nowMs });
    return 0;
  } catch (error) {
    const text = errorText(error);
    // What is not of the command stands for itself: no authorization, or a text of several lines.
    const isOwn = !text.startsWith('Error: ') && !text.startsWith('\n');
    output.err(`${isOwn ? prefix : ''}${text}\n`);
    return 1;
  }
}

interface CommandPorts extends CtlPorts {
  readonly meta: MetaCaller;
  readonly options: CtlOptions;
  readonly nowMs: () => number;
}

const changes: Readonly<
  Record<string, (args: readonly string[], ports: CommandPorts) => Promise<void>>
> = {
  decommission,
  rebalance,
  'replace-data': replaceData,
  'copy-shard': copyShard,
  'copy-shard-status': copyShardStatus,
  'kill-copy-shard': killCopyShard,
  'node-labels': nodeLabels,
  'remove-data': removeData,
  'remove-meta': removeMeta,
  'remove-shard': removeShard,
  'truncate-shards': truncateShards,
  'update-data': updateData,
};

async function runCommand(
  command: string,
  args: readonly string[],
  ports: CommandPorts,
): Promise<void> {
  const { out, meta } = ports;
  const help = commandUsage(command);
  if (help !== undefined && args.some((arg) => /^--?(h|help)$/.test(arg))) {
    out(help);
    return;
  }
  const change = changes[command];
  if (change !== undefined) return change(args, ports);
  switch (command) {
    case 'show':
      out(await show(args, meta));
      return;
    case 'show-shards':
      out(await showShards(args, meta));
      return;
    case 'join':
      await join(args, { ...ports, hostname: hostname() });
      return;
    case 'add-meta': {
      const addr = onlyAddress(parseGoFlags(args, {}).rest, 'httpAddr');
      const { id } = (await meta.post('/join', { addr })) as { readonly id: number };
      out(`Added meta node ${id} at ${addr}\n`);
      return;
    }
    case 'add-data': {
      const { values, rest } = parseGoFlags(args, { p: 'switch' });
      const addr = onlyAddress(rest, 'tcpAddr');
      const passive = values['p'] === true ? { passive: 'true' } : {};
      const made = await meta.post('/add-data', { addr, ...passive });
      const { id } = made as { readonly id: number };
      out(`Added data node ${id} at ${addr}\n`);
      return;
    }
    case 'leave':
      await leave(args, { ...ports, hostname: hostname() });
      return;
    case 'backup':
    case 'restore':
    case 'entropy':
      await runBackupCommand(command, args, ports);
      return;
    case 'ldap':
      await (await import('./ldap.ts')).ldap(args, ports);
      return;
    case 'token':
      out(token(args, ports));
      return;
  }
  throw new DbError('internal', `command ${command}`);
}

/** Loaded when they are wanted: they bring the transport between nodes. */
async function runBackupCommand(
  command: 'backup' | 'restore' | 'entropy',
  args: readonly string[],
  { meta, out, environment, interrupts, options: { internalSecret, dataTls } }: CommandPorts,
): Promise<void> {
  const ports = { meta, out, internalSecret, dataTls, environment, interrupts };
  if (command === 'backup') await (await import('./backup.ts')).backup(args, ports);
  else if (command === 'entropy') await (await import('./entropy.ts')).entropy(args, ports);
  else await (await import('./restore.ts')).restore(args, ports);
}

/** Prints a JWT for a client of the API (spec 2.2). */
function token(args: readonly string[], { options, nowMs }: CommandPorts): string {
  const { values, rest } = parseGoFlags(args, { exp: 'text' });
  if (rest.length > 0)
    throw new DbError('invalid_argument', `unexpected extra arguments: [${rest.join(' ')}]`);
  const { authType, user, secret } = options;
  if (authType !== 'jwt') {
    const text = 'tokens can only be created when using bearer authentication';
    throw new DbError('invalid_argument', text);
  }
  const exp = typeof values['exp'] === 'string' ? values['exp'] : '1m0s';
  const seconds = Math.floor(durationOf('exp', exp) / 1_000);
  return `${createToken({ user, secret, nowMs: nowMs(), seconds })}\n`;
}

function assertKnown(command: string): void {
  if (commandNames.has(command)) return;
  const hint = `Run 'influxd-ctl help' for usage`;
  throw new DbError('invalid_argument', `unknown command "${command}"\n${hint}`);
}

function isHelp(values: Readonly<Record<string, string | true>>): boolean {
  return values['h'] === true || values['help'] === true;
}

function onlyAddress([address = '', extra]: readonly string[], name: string): string {
  if (address === '') throw new DbError('invalid_argument', `${name} value is empty`);
  if (extra !== undefined) throw new DbError('invalid_argument', `unknown argument: ${extra}`);
  return address;
}
