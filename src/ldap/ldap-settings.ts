import { parse, TomlError } from 'smol-toml';
import { DbError } from '../base/errors.ts';
import { directorySecurities, type DirectorySecurity, type DirectoryServer } from '../env/directory.ts'; // prettier-ignore

/** What `influxd-ctl ldap set-config` takes (spec 2.3, ldap). */
export interface LdapSettings {
  readonly isEnabled: boolean;
  /** Asked one after the other. */
  readonly servers: readonly LdapServer[];
}

export interface LdapServer extends DirectoryServer {
  /** Who searches; '' for nobody, as servers may allow. */
  readonly bindDn: string;
  readonly bindPassword: string;
  readonly userBases: readonly string[];
  /** `%s` is the name that a user has given. */
  readonly userFilter: string;
  readonly groupBases: readonly string[];
  /** `%s` is the DN of a user. */
  readonly membershipFilter: string;
  /** What a group is called by in the mappings. */
  readonly groupAttribute: string;
  /** `%s` is a group: for warm-cache, with the attribute that has its members. */
  readonly groupFilter: string;
  readonly memberAttribute: string;
  readonly adminGroups: readonly string[];
  readonly mappings: readonly { readonly group: string; readonly role: string }[];
}

const textLengthMax = 1 << 16;
const serversMax = 16;
const [portDefault, portOfLdaps] = [389, 636];

type Table = Readonly<Record<string, unknown>>;

/** Throws `invalid_argument` with the key that is wrong. Keys that are not known are passed over, as the reference does. */
export function parseLdapSettings(text: string): LdapSettings {
  if (text.length > textLengthMax) throw invalid(`longer than ${textLengthMax} characters`);
  const table = tableOf(text);
  const isEnabled = flagOf(table, 'enabled');
  const servers = tablesOf(table, 'servers').map(serverOf);
  if (servers.length > serversMax) throw invalid(`more than ${serversMax} servers`);
  if (isEnabled && servers.length === 0) throw invalid('enabled, and there are no servers');
  return { isEnabled, servers };
}

function tableOf(text: string): Table {
  try {
    return parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    // Its message has the line, which may be that of a password.
    throw invalid(`line ${error.line}, column ${error.column}: no valid TOML`);
  }
}

function serverOf(table: Table, index: number): LdapServer {
  const at = `servers[${index}]`;
  const text = (key: string): string => textOf(table, key, at);
  const security = securityOf(text('security'), at);
  const server = {
    host: text('host'),
    port: portOf(table['port'], security, at),
    security,
    certificatePath: text('client-tls-certificate'),
    keyPath: text('client-tls-private-key'),
    bindDn: text('bind-dn'),
    bindPassword: text('bind-password'),
    userBases: textsOf(table, 'search-base-dns', at),
    userFilter: text('search-filter'),
    groupBases: textsOf(table, 'group-search-base-dns', at),
    membershipFilter: text('group-membership-search-filter'),
    groupAttribute: text('group-attribute'),
    groupFilter: text('group-search-filter'),
    memberAttribute: text('group-member-attribute'),
    adminGroups: textsOf(table, 'admin-groups', at),
    mappings: tablesOf(table, 'group-mappings').map((one) => ({ group: textOf(one, 'group', at), role: textOf(one, 'role', at) })), // prettier-ignore
  };
  checkServer(server, at);
  return server;
}

function checkServer(server: LdapServer, at: string): void {
  if (server.host === '') throw invalid(`${at}: host must be specified`);
  if (server.bindDn !== '' && server.bindPassword === '')
    throw invalid(`${at}: bind-password must be specified with bind-dn`);
  if (server.userBases.length === 0) throw invalid(`${at}: search-base-dns must be specified`);
  // Without the name any user would be every user.
  checkFilter('search-filter', server.userFilter, at);
  if (server.membershipFilter !== '') {
    checkFilter('group-membership-search-filter', server.membershipFilter, at);
    if (server.groupBases.length === 0)
      throw invalid(`${at}: group-search-base-dns must be specified`);
    if (server.groupAttribute === '') throw invalid(`${at}: group-attribute must be specified`);
  }
  if (server.groupFilter !== '') checkFilter('group-search-filter', server.groupFilter, at);
  for (const { group, role } of server.mappings)
    if (group === '' || role === '') throw invalid(`${at}: group and role of a mapping must be specified`); // prettier-ignore
}

/** One filter of whole parentheses that has a place for what is asked for. */
function checkFilter(key: string, filter: string, at: string): void {
  if (!filter.includes('%s')) throw invalid(`${at}: ${key} must contain %s`);
  let depth = 0;
  for (let i = 0; i < filter.length; i++) {
    if (filter[i] === '(') depth++;
    if (filter[i] === ')') depth--;
    if (depth < 0 || (depth === 0 && i < filter.length - 1)) throw invalid(`${at}: ${key} is no filter: ${filter}`); // prettier-ignore
  }
  if (depth !== 0) throw invalid(`${at}: ${key} is no filter: ${filter}`);
}

function securityOf(text: string, at: string): DirectorySecurity {
  const found = directorySecurities.find((one) => one === (text === '' ? 'starttls' : text));
  if (found !== undefined) return found;
  throw invalid(`${at}: security = ${JSON.stringify(text)} is none of ${directorySecurities.join(', ')}`); // prettier-ignore
}

function portOf(value: unknown, security: DirectorySecurity, at: string): number {
  if (value === undefined || value === 0)
    return security.startsWith('ldaps') ? portOfLdaps : portDefault;
  if (typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 65_536)
    return value;
  throw invalid(`${at}: port must be a number from 1 to 65535`);
}

function flagOf(table: Table, key: string): boolean {
  const value = table[key] ?? false;
  if (typeof value === 'boolean') return value;
  throw invalid(`${key} must be true or false`);
}

function textOf(table: Table, key: string, at: string): string {
  const value = table[key] ?? '';
  if (typeof value === 'string') return value;
  throw invalid(`${at}: ${key} must be a text`);
}

function textsOf(table: Table, key: string, at: string): readonly string[] {
  const value = table[key] ?? [];
  if (Array.isArray(value) && value.every((one) => typeof one === 'string')) return value;
  throw invalid(`${at}: ${key} must be a list of texts`);
}

function tablesOf(table: Table, key: string): readonly Table[] {
  const value = table[key] ?? [];
  const isTable = (one: unknown): one is Table => typeof one === 'object' && one !== null && !Array.isArray(one); // prettier-ignore
  if (Array.isArray(value) && value.every(isTable)) return value;
  throw invalid(`${key} must be tables, [[${key}]]`);
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', `ldap config: ${text}`);
}
