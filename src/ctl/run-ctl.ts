import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags, type Flags } from '../base/go-flags.ts';
import { parseTomlDurationNs } from '../config/toml-duration.ts';
import { join } from './join.ts';
import { createToken, MetaHttp, type MetaHttpOptions } from './meta-http.ts';
import { show, showShards } from './show.ts';
import { usage } from './usage.ts';

const globalFlags = {
  'auth-type': 'text',
  bind: 'text',
  'bind-tls': 'switch',
  config: 'text',
  k: 'switch',
  pwd: 'text',
  secret: 'text',
  timeout: 'text',
  user: 'text',
} as const;

export interface CtlOutput {
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/** Runs one `influxd-ctl` command line; answers the exit code (spec 2). */
export async function runCtl(
  args: readonly string[],
  nowMs: () => number,
  { out, err }: CtlOutput,
): Promise<number> {
  let command = '';
  try {
    const flags = parseGoFlags(args, globalFlags);
    command = flags.rest[0] ?? 'help';
    const options = optionsOf(flags);
    const meta = new MetaHttp(options, nowMs);
    out(await runCommand(command, flags.rest.slice(1), { meta, options, nowMs }));
    return 0;
  } catch (error) {
    const text = errorText(error);
    const isGlobal = command === '' || text.startsWith('unknown command') || text.startsWith('\n');
    err(`${isGlobal ? '' : `${command}: `}${text}\n`);
    return 1;
  }
}

interface CommandContext {
  readonly meta: MetaHttp;
  readonly options: MetaHttpOptions;
  readonly nowMs: () => number;
}

async function runCommand(
  command: string,
  args: readonly string[],
  { meta, options, nowMs }: CommandContext,
): Promise<string> {
  switch (command) {
    case 'help':
      return usage;
    case 'show':
      return show(args, meta);
    case 'show-shards':
      return showShards(args, meta);
    case 'join':
      return join(args, meta);
    case 'add-meta': {
      const addr = onlyArgument(args, 'httpAddr');
      const { id } = (await meta.post('/join', { addr })) as { readonly id: number };
      return `Added meta node ${id} at ${addr}\n`;
    }
    case 'add-data': {
      const addr = onlyArgument(args, 'tcpAddr');
      const { id } = (await meta.post('/add-data', { addr })) as { readonly id: number };
      return `Added data node ${id} at ${addr}\n`;
    }
    case 'token': {
      if (options.authType !== 'jwt') {
        const text = 'tokens can only be created when using bearer authentication';
        throw new DbError('invalid_argument', text);
      }
      const { values } = parseGoFlags(args, { exp: 'text' });
      const seconds = Number(parseTomlDurationNs(textOf(values['exp'], '1m0s')) / 1_000_000_000n);
      const { user, secret } = options;
      return `${createToken({ user, secret, nowMs: nowMs(), seconds })}\n`;
    }
  }
  if (new RegExp(`^   ${command} `, 'm').test(usage))
    throw new DbError('unsupported', 'this command is not supported in this version');
  const hint = `Run 'influxd-ctl help' for usage`;
  throw new DbError('invalid_argument', `unknown command "${command}"\n${hint}`);
}

function optionsOf({ values }: Flags): MetaHttpOptions {
  const authType = textOf(values['auth-type'], 'none');
  const known = (['none', 'basic', 'jwt'] as const).find((one) => one === authType.toLowerCase());
  if (known === undefined) throw new DbError('invalid_argument', `invalid -auth-type: ${authType}`);
  return {
    authType: known,
    bind: textOf(values['bind'], 'localhost:8091'),
    tls: values['bind-tls'] === true,
    skipVerify: values['k'] === true,
    user: textOf(values['user'], ''),
    password: textOf(values['pwd'], ''),
    secret: textOf(values['secret'], ''),
    timeoutMs: Number(parseTomlDurationNs(textOf(values['timeout'], '10s')) / 1_000_000n),
  };
}

function onlyArgument(args: readonly string[], name: string): string {
  const flags = parseGoFlags(args, { p: 'switch' });
  if (flags.values['p'] === true)
    throw new DbError('unsupported', 'passive data nodes are not supported in this version');
  const [address = '', extra] = flags.rest;
  if (address === '') throw new DbError('invalid_argument', `${name} value is empty`);
  if (extra !== undefined) throw new DbError('invalid_argument', `unknown argument: ${extra}`);
  return address;
}

function textOf(value: string | true | undefined, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}
