import { DbError } from '../../base/errors.ts';
import { quoteGo } from '../../base/go-format.ts';
import type { Principal } from '../../data/statements/principal.ts';

/** What somebody wants of buckets, and of which one. */
export interface BucketUse {
  readonly kind: 'create-database' | 'create-policy' | 'update' | 'remove' | 'retrieve';
  readonly database: string;
  /** As the request names the bucket. */
  readonly name: string;
}

/**
 * Whether somebody may do it (spec 4.3). Throws `forbidden` with the reference's texts, odd as they are; those of making a
 * bucket without the `buckets - ` that their route says before every text.
 */
export function authorizeBucket({ kind, database, name }: BucketUse, asking: Principal): void {
  const bucket = quoteGo(name);
  const place = quoteGo(database);
  const who = quoteGo(asking.name);
  const admins = (what: string) => `user ${who}, must be an administrator to ${what}`;
  const [required, refusal] = {
    'create-database': [
      `user is required to to create bucket ${bucket}`,
      `${who} is not authorized to create ${bucket}: ${admins('create a database')}`,
    ],
    'create-policy': [
      `user is required to to create bucket ${bucket}`,
      `${who} is not authorized to create ${bucket}: ${admins('create a retention policy')}`,
    ],
    update: [
      `update bucket - user is required to update ${bucket}`,
      `update bucket - ${who} is not authorized to modify ${bucket}: ${admins('create a database')}`,
    ],
    remove: [
      `delete bucket - user is required to delete from database ${place}`,
      `buckets - ${who} is not authorized to modify ${bucket}: ${admins('delete a retention policy')}`,
    ],
    retrieve: [
      `retrieve bucket - user is required for database ${place}`,
      `retrieve bucket - ${who} is not authorized to read ${place}: user ${who}, requires READ for database ${place}`,
    ],
  }[kind] as [string, string];
  if (!asking.isKnown) throw new DbError('forbidden', required);
  const isAllowed = kind === 'retrieve' ? asking.may('read', database) : asking.isAdmin;
  if (!isAllowed) throw new DbError('forbidden', refusal);
}
