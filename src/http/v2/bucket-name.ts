import { quoteGo } from '../../base/go-format.ts';
import { DbError } from '../../base/errors.ts';

/** What a bucket of the v2 API stands for (spec 4.3). */
export interface BucketName {
  readonly database: string;
  /** '' for the database's default. */
  readonly retentionPolicy: string;
}

/** `database/policy`, or a database alone. Throws `invalid_argument` with the reference's texts. */
export function parseBucketName(name: string): BucketName {
  const at = name.indexOf('/');
  const said = `bucket name ${quoteGo(name)} is`;
  if (name === '')
    throw invalid(`${said} missing a slash; not in "database/retention-policy" format`);
  if (at === 0) throw invalid(`${said} in db/rp form but has an empty database`);
  return at < 0
    ? { database: name, retentionPolicy: '' }
    : { database: name.slice(0, at), retentionPolicy: name.slice(at + 1) };
}

/** One that names its policy. Throws the reference's texts for an id that does not. */
export function parseBucketId(id: string): BucketName {
  const said = `bucket ${quoteGo(id)}`;
  let name;
  try {
    name = parseBucketName(id);
  } catch (error) {
    throw invalid(`${said}: ${(error as DbError).message}`);
  }
  if (name.retentionPolicy !== '') return name;
  throw invalid(`${said}: illegal bucket id, empty retention policy`);
}

function invalid(text: string): DbError {
  return new DbError('invalid_argument', text);
}
