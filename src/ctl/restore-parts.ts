/** What is restored, in parts that fit a command of the metas. Pure. */
import type { Facts } from '../backup/restore-target.ts';
import { DbError } from '../base/errors.ts';
import { encodeMessage } from '../rpc/message.ts';

/**
 * Databases in their order, as many in a part as fit `partBytesMax`; users, roles and restrictions are in the last one, for what they may do is of
 * databases that have to be there. One part where all of it fits. Throws `limit_exceeded` for a database that fits none.
 */
export function restoreParts(
  { databases, users, roles, acl }: Facts,
  partBytesMax: number,
): readonly Facts[] {
  const full: Facts[] = [];
  let [last, bytes]: [Facts, number] = [{ databases: [], users: [] }, 0];
  const put = (fact: Facts, name: string): void => {
    const factBytes = encodeMessage(fact).length;
    if (factBytes > partBytesMax) throw new DbError('limit_exceeded', `${name}: ${factBytes} bytes of facts do not fit a command of ${partBytesMax}`); // prettier-ignore
    const isFitting = bytes + factBytes <= partBytesMax;
    if (!isFitting) full.push(last);
    last = isFitting ? { ...last, ...fact, databases: [...last.databases, ...fact.databases], users: [...last.users, ...fact.users] } : fact; // prettier-ignore
    bytes = isFitting ? bytes + factBytes : factBytes;
  };
  for (const database of databases) put({ databases: [database], users: [] }, `database ${database.name}`); // prettier-ignore
  if (users.length > 0 || roles !== undefined || acl !== undefined)
    put({ databases: [], users, ...(roles && { roles }), ...(acl && { acl }) }, 'users and roles');
  return [...full, last];
}
