import { readFileSync } from 'node:fs';
import { quoteGo } from '../base/go-format.ts';
import { DbError, errorText } from '../base/errors.ts';
import { parseGoFlags } from '../base/go-flags.ts';
import { decodeConfigText } from '../config/config-text.ts';
import { NodeDirectory } from '../env/node/directory/node-directory.ts';
import { askServers } from '../ldap/ask-servers.ts';
import { parseLdapSettings } from '../ldap/ldap-settings.ts';
import { serverDeadlineMs } from '../ldap/ldap-users.ts';
import { ldapSample } from '../ldap/ldap-sample.ts';
import { checkHasPasswords, shownLdapConfig } from '../ldap/shown-ldap-config.ts';
import type { MetaCaller } from './meta-http.ts';

export interface LdapPorts {
  readonly meta: MetaCaller;
  readonly out: (text: string) => void;
}

const subcommands: Readonly<Record<string, (args: readonly string[], ports: LdapPorts) => Promise<void>>> = {
  'get-config': getConfig,
  'set-config': setConfig,
  'sample-config': sampleConfig,
  verify,
  'purge-cache': purgeCache,
  'warm-cache': warmCache,
}; // prettier-ignore

/** `influxd-ctl ldap` (spec 2.3). */
export async function ldap([subcommand = '', ...args]: readonly string[], ports: LdapPorts): Promise<void> {
  const run = Object.hasOwn(subcommands, subcommand) ? subcommands[subcommand] : undefined;
  if (run === undefined) {
    const names = Object.keys(subcommands).join(', ');
    throw wrong(subcommand === '' ? `a subcommand is required: ${names}` : `unknown subcommand "${subcommand}", known are ${names}`);
  }
  await run(args, ports);
} // prettier-ignore

async function getConfig(args: readonly string[], { meta, out }: LdapPorts): Promise<void> {
  const { values, rest } = parseGoFlags(args, { 'with-passwords': 'switch' });
  noMore(rest);
  const text = ending(await storedConfig(meta));
  out(values['with-passwords'] === true ? text : shownLdapConfig(text));
}

async function setConfig(args: readonly string[], { meta, out }: LdapPorts): Promise<void> {
  const [path, ...more] = parseGoFlags(args, {}).rest;
  if (path === undefined) throw wrong('a file is required, or - for the standard input');
  noMore(more);
  const config = readText(path);
  // What is wrong with it is told before anything is sent.
  checkHasPasswords(config);
  const { enabled } = (await meta.post('/ldap/config', { config })) as { readonly enabled: boolean };
  out(`LDAP configuration set: ${enabled ? 'enabled, users are those of its servers from now on' : 'not enabled'}\n`);
} // prettier-ignore

function sampleConfig(args: readonly string[], { out }: LdapPorts): Promise<void> {
  noMore(parseGoFlags(args, {}).rest);
  out(ldapSample);
  return Promise.resolve();
}

/** From here, as a node would do it. */
async function verify(args: readonly string[], { meta, out }: LdapPorts): Promise<void> {
  const { values, rest } = parseGoFlags(args, { 'ldap-config': 'text' });
  const [name, password, ...more] = rest;
  if (name === undefined || password === undefined)
    throw wrong('a username and a password are required');
  noMore(more);
  const path = values['ldap-config'];
  const text = typeof path === 'string' ? readText(path) : await storedConfig(meta);
  const settings = parseLdapSettings(text);
  const tell = (line: string): void => {
    out(`${line}\n`);
  };
  if (!settings.isEnabled) tell('the configuration is not enabled');
  const asked = { directory: new NodeDirectory(), deadlineMs: serverDeadlineMs, tell };
  const { kind } = await askServers(settings.servers, { name, password }, asked);
  if (kind === 'unknown') throw wrong(`no user ${quoteGo(name)}`);
  if (kind === 'refused') throw wrong(`authentication of ${quoteGo(name)} failed`);
  tell(`${name} is authenticated`);
}

async function purgeCache(args: readonly string[], { meta, out }: LdapPorts): Promise<void> {
  noMore(parseGoFlags(args, {}).rest);
  tellNodes(await meta.post('/ldap/cache/purge', {}), out, () => 'purged');
}

async function warmCache(args: readonly string[], { meta, out }: LdapPorts): Promise<void> {
  const { values, rest } = parseGoFlags(args, { cancel: 'switch', status: 'switch' });
  noMore(rest);
  const answer =
    values['status'] === true
      ? await meta.get('/ldap/cache/status')
      : await meta.post(`/ldap/cache/${values['cancel'] === true ? 'cancel' : 'warm'}`, {});
  tellNodes(answer, out, ({ state, doneCount, memberCount, error }) => {
    const why = error === '' ? '' : `: ${error}`;
    return state === 'idle' ? state : `${state}, ${doneCount} of ${memberCount} users${why}`;
  });
}

interface CacheNode {
  readonly tcpAddr: string;
  /** Why it did not answer. */
  readonly failure?: string;
  readonly state: string;
  readonly memberCount: number;
  readonly doneCount: number;
  readonly error: string;
}

/** A line for each data node. Throws when one did not answer. */
function tellNodes(
  answer: unknown,
  out: (text: string) => void,
  lineOf: (node: CacheNode) => string,
): void {
  const { nodes } = answer as { readonly nodes: readonly CacheNode[] };
  for (const node of nodes) out(`${node.tcpAddr}: ${node.failure ?? lineOf(node)}\n`);
  const failedCount = nodes.filter(({ failure }) => failure !== undefined).length;
  if (failedCount > 0) throw new DbError('unavailable', `${failedCount} of ${nodes.length} data nodes did not do it`); // prettier-ignore
}

async function storedConfig(meta: MetaCaller): Promise<string> {
  const { config } = (await meta.get('/ldap/config')) as { readonly config: string };
  return config;
}

function readText(path: string): string {
  try {
    return decodeConfigText(readFileSync(path === '-' ? process.stdin.fd : path));
  } catch (error) {
    throw new DbError('invalid_argument', errorText(error), { cause: error });
  }
}

function ending(text: string): string {
  return text.endsWith('\n') ? text : `${text}\n`;
}

function noMore(rest: readonly string[]): void {
  if (rest.length > 0) throw wrong(`unexpected extra arguments: [${rest.join(' ')}]`);
}

function wrong(text: string): DbError {
  return new DbError('invalid_argument', text);
}
