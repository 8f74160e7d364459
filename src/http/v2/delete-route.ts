import type { FastifyReply, FastifyRequest } from 'fastify';
import { quoteGo } from '../../base/go-format.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import type { Principal } from '../../data/statements/principal.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import { whoAsks } from '../data/access/gate.ts';
import type { DataApiPorts } from '../data/data-api-options.ts';
import { RequestParameters } from '../data/requests/request-parameters.ts';
import { errorStatus } from '../error-reply.ts';
import { refuse } from '../data/answers/refuse.ts';
import { runStatement } from '../run-statement.ts';
import { parseBucketName, type BucketName } from './bucket-name.ts';
import { deleteTarget } from './delete-predicate.ts';
import { readJsonBody, type BodyShape } from './json-body.ts';

const shape: BodyShape = Object.fromEntries(
  ['start', 'stop', 'predicate'].map((name) => [name, { kind: 'string', place: `DeleteBody.${name}` } as const]), // prettier-ignore
);

/** POST /api/v2/delete (spec 4.3). The policy is looked for, and points go from all policies, as in the reference. */
export async function handleDelete(
  request: FastifyRequest,
  reply: FastifyReply,
  { executor }: Pick<DataApiPorts, 'executor'>,
): Promise<unknown> {
  try {
    const place = placeOf(request, executor);
    const { start = '', stop = '', predicate = '' } = bodyOf(request) as { readonly start?: string; readonly stop?: string; readonly predicate?: string }; // prettier-ignore
    const target = deleteTarget({ start, stop, predicate }, place);
    const { database, retentionPolicy } = place;
    const said = Object.entries({ database, 'retention policy': retentionPolicy, start, stop, predicate }); // prettier-ignore
    const text = said.map(([name, value]) => `${name}: ${quoteGo(value)}`).join(', ');
    await runStatement(executor, { kind: 'delete', ...target }, { database, principal: whoAsks(request) }, `delete - ${text}, error: `); // prettier-ignore
    return await reply.code(200).type('application/json').send();
  } catch (error) {
    if (!isDbError(error)) throw error;
    return refuse(reply, errorStatus[error.code], error.message);
  }
}

function placeOf(request: FastifyRequest, { catalog }: DataApiPorts['executor']): BucketName {
  let place;
  try {
    place = parseBucketName(RequestParameters.ofUrl(request).get('bucket'));
  } catch (error) {
    throw notFound(`bucket: ${errorText(error)}`);
  }
  const { database, retentionPolicy } = place;
  const found = findDatabase(catalog, database);
  if (found === undefined) throw notFound(`database not found: ${quoteGo(database)}`);
  if (findRetentionPolicy(found, retentionPolicy) === undefined)
    throw notFound(`retention policy not found in ${quoteGo(database)}: ${quoteGo(retentionPolicy)}`); // prettier-ignore
  mustWrite(database, whoAsks(request));
  return place;
}

function mustWrite(database: string, deleting: Principal): void {
  const quoted = quoteGo(database);
  const refused = (text: string) => new DbError('forbidden', `delete - ${text}`);
  if (!deleting.isKnown) throw refused(`user is required to delete from database ${quoted}`);
  if (deleting.may('write', database)) return;
  const { name } = deleting;
  throw refused(`${quoteGo(name)} is not authorized to delete from ${quoted}: ${name} not authorized to write to ${database}`); // prettier-ignore
}

function bodyOf({ body }: FastifyRequest): Readonly<Record<string, unknown>> {
  try {
    return readJsonBody(body, { shape, type: 'httpd.DeleteBody' });
  } catch (error) {
    throw new DbError('invalid_argument', `delete - cannot parse request body: ${errorText(error)}`); // prettier-ignore
  }
}

function notFound(text: string): DbError {
  return new DbError('not_found', `delete - ${text}`);
}
