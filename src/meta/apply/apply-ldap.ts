import { DbError } from '../../base/errors.ts';
import type { Catalog } from '../model/catalog.ts';

/** Whoever proposes one has read it: a meta node of another release need not understand it. */
const textLengthMax = 1 << 16;

/** '' for none. */
export function setLdapConfig({ ldap: _, ...catalog }: Catalog, text: string): Catalog {
  if (text.length > textLengthMax)
    throw new DbError('limit_exceeded', `an LDAP configuration of more than ${textLengthMax} characters`); // prettier-ignore
  return text === '' ? catalog : { ...catalog, ldap: text };
}
