import { count, oneOf, text } from '../proto/field.ts';
import { varve } from '../proto/gen/wire.js';
import { message } from '../proto/message.ts';
import { callMethod } from '../rpc/method.ts';
import { serveCall, type ServedMethod } from '../rpc/served-method.ts';
import type { LdapUsers, WarmStatus } from './ldap-users.ts';

const { v1 } = varve.data;

const cacheActions = ['purge', 'warm', 'cancel', 'status'] as const;
export type CacheAction = (typeof cacheActions)[number];

const states = ['idle', 'running', 'done', 'cancelled', 'failed'] as const satisfies readonly WarmStatus['state'][]; // prettier-ignore

/** What a data node does with the users of LDAP servers that it remembers, and how its warming stands then. */
export const ldapCacheMethod = callMethod('/varve.data.v1.Ldap/Cache', {
  request: message(v1.LdapCacheRequest, { action: oneOf(cacheActions) }),
  reply: message(v1.LdapCacheReply, {
    state: oneOf(states),
    memberCount: count(),
    doneCount: count(),
    error: text({ lengthMax: 1 << 16 }),
  }),
});

export function servedLdapCache(users: LdapUsers): ServedMethod {
  return serveCall(ldapCacheMethod, ({ action }) => {
    if (action === 'purge') users.purge();
    if (action === 'warm') users.warm();
    if (action === 'cancel') users.cancelWarm();
    return Promise.resolve(users.warmStatus);
  });
}
