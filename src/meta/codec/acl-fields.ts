import { list, oneOf, optional, type Field } from '../../proto/field.ts';
import { message } from '../../proto/message.ts';
import { aclPermissions, textMatches, type AclGrant } from '../model/acl.ts';

/** The generated types of one of the packages that have rules: the catalog's, and that of its commands. */
type Types = Readonly<Record<'AclRule' | 'TextMatch' | 'TagMatch', Parameters<typeof message>[0]>>;

/** checkCommand, and apply, have the bounds that count. */
const few = { max: 10_000 };

/** A restriction, which has neither users nor roles, or a grant. */
export function aclRule(types: Types, words: Field<string>): Field<AclGrant> {
  const text = { match: oneOf(textMatches), value: words };
  return message(types.AclRule, {
    id: words,
    database: message(types.TextMatch, text),
    measurement: optional(message(types.TextMatch, text)),
    tags: list(message(types.TagMatch, { key: words, ...text }), few),
    permissions: list(oneOf(aclPermissions), few),
    users: list(words, few),
    roles: list(words, few),
  });
}
