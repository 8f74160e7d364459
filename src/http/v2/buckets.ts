import { quoteGo } from '../../base/go-format.ts';
import { DbError } from '../../base/errors.ts';
import { secondNs } from '../../base/units.ts';
import type { Catalog, RetentionPolicy } from '../../meta/model/catalog.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import { parseBucketName } from './bucket-name.ts';

export type Bucket = Readonly<Record<string, unknown>>;

const countDefault = 100;
/** Go's zero time: buckets of 1.x do not know when they were made. */
const never = '0001-01-01T00:00:00Z';

type PolicySpans = Pick<RetentionPolicy, 'name' | 'durationNs' | 'shardGroupDurationNs'>;

/** A retention policy as the v2 API shows it (spec 4.3). */
export function bucketOf(database: string, policy: PolicySpans): Bucket {
  const name = `${database}/${policy.name}`;
  return {
    description: '',
    name,
    retentionRules: [
      {
        type: '',
        everySeconds: Number(policy.durationNs / secondNs),
        shardGroupDurationSeconds: Number(policy.shardGroupDurationNs / secondNs),
      },
    ],
    orgId: '',
    schemaType: 'implicit',
    id: name,
    type: '',
    rp: policy.name,
    createdAt: never,
    updatedAt: never,
  };
}

/** Throws `not_found` with the reference's texts. */
export function findBucket(catalog: Catalog, name: string): Bucket {
  let named;
  try {
    named = parseBucketName(name);
  } catch (error) {
    throw notFound(`bucket ${quoteGo(name)}: ${(error as DbError).message}`);
  }
  const database = findDatabase(catalog, named.database);
  const policy = database && findRetentionPolicy(database, named.retentionPolicy);
  if (policy === undefined) throw notFound(`bucket not found: ${quoteGo(name)}`);
  return bucketOf(named.database, policy);
}

/** The page that `limit`, `offset` or `after` name of all buckets, without those that may not be read. Throws the reference's texts for what is none. */
export function listBuckets(
  catalog: Catalog,
  parameters: { get(name: string): string },
  mayRead: (database: string) => boolean,
): readonly Bucket[] {
  const after = parameters.get('after');
  const named = after === '' ? undefined : nameAfter(after);
  const limit = integerOf(parameters, 'limit') ?? BigInt(countDefault);
  if (after !== '' && parameters.get('offset') !== '')
    throw invalid('list buckets cannot have both "offset" and "after" arguments');
  const offset = integerOf(parameters, 'offset') ?? 0n;
  const all = catalog.databases.flatMap((database) =>
    database.retentionPolicies.map((policy) => ({ database: database.name, policy })),
  );
  let start = offset > 0n ? Number(offset) : 0;
  if (named !== undefined) {
    const at = all.findIndex(({ database, policy }) => database === named.database && policy.name === named.retentionPolicy); // prettier-ignore
    if (at < 0) throw notFound(`list buckets "after" parameter not found: ${quoteGo(after)}`); // prettier-ignore
    start = at + 1;
  }
  const shown = all.slice(start).filter(({ database }) => mayRead(database));
  return shown
    .slice(0, limit <= 0n ? shown.length : Number(limit))
    .map(({ database, policy }) => bucketOf(database, policy));
}

function nameAfter(after: string): ReturnType<typeof parseBucketName> {
  try {
    return parseBucketName(after);
  } catch (error) {
    const said = `list buckets invalid parameter - after=${quoteGo(after)}`;
    throw notFound(`${said}: ${(error as DbError).message}`);
  }
}

/** An int64 of the address; undefined where it is not given. */
function integerOf(parameters: { get(name: string): string }, name: string): bigint | undefined {
  const text = parameters.get(name);
  if (text === '') return undefined;
  const quoted = quoteGo(text);
  const said = `list buckets parameter is not an integer - ${name}=${quoted}: strconv.ParseInt: parsing ${quoted}`;
  if (!/^[+-]?\d+$/.test(text)) throw invalid(`${said}: invalid syntax`);
  const value = BigInt(text.replace('+', ''));
  if (BigInt.asIntN(64, value) !== value) throw invalid(`${said}: value out of range`);
  return value;
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}

function notFound(text: string): DbError {
  return new DbError('not_found', text);
}
