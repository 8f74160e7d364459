import { parse } from 'smol-toml';
import { DbError } from '../base/errors.ts';
import { parseLdapSettings } from './ldap-settings.ts';

const hidden = '[REDACTED]';
const password = /(bind-password["']?[ \t]*=[ \t]*)(?:"""[^]*?"""|'''[^]*?'''|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')/g; // prettier-ignore

/** A configuration as people are shown it: the same text, without passwords. Throws where it is written so that one might stay. */
export function shownLdapConfig(text: string): string {
  const shown = text.replaceAll(password, `$1"${hidden}"`);
  if (hasOnlyHidden(shown)) return shown;
  throw new DbError('invalid_argument', 'bind-password of the configuration cannot be hidden: -with-passwords shows all of it'); // prettier-ignore
}

/** What was shown is not to be set: its passwords are gone. */
export function checkHasPasswords(text: string): void {
  if (parseLdapSettings(text).servers.some(({ bindPassword }) => bindPassword === hidden))
    throw new DbError('invalid_argument', `bind-password is hidden: get-config -with-passwords prints it, too`); // prettier-ignore
}

function hasOnlyHidden(text: string): boolean {
  const { servers } = parse(text) as { readonly servers?: unknown };
  return [servers].flat().every((server) => {
    const { 'bind-password': value } = (server ?? {}) as { readonly 'bind-password'?: unknown };
    return value === undefined || value === hidden;
  });
}
