import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { quoteGo } from '../../base/go-format.ts';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { secondNs } from '../../base/units.ts';
import type { RetentionSpec, Statement } from '../../influxql/ast.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import { checkName } from '../../meta/apply/retention-policy.ts';
import { whoAsks } from '../data/access/gate.ts';
import type { DataApiPorts } from '../data/data-api-options.ts';
import { RequestParameters } from '../data/requests/request-parameters.ts';
import { errorStatus } from '../error-reply.ts';
import { refuse } from '../data/answers/refuse.ts';
import { asNode, runStatement } from '../run-statement.ts';
import { authorizeBucket } from './bucket-access.ts';
import { parseBucketId, parseBucketName } from './bucket-name.ts';
import { bucketOf, findBucket, listBuckets, type Bucket } from './buckets.ts';
import { readJsonBody, readMembers, type BodyShape } from './json-body.ts';

type Ports = Pick<DataApiPorts, 'executor'>;
type Handler = (request: FastifyRequest, reply: FastifyReply, ports: Ports) => unknown;

/** A bucket's policy has one copy, as in the reference, until ALTER RETENTION POLICY says otherwise. */
const replication = 1;

/** A body as Go names it: what is made has more members than what is changed. */
interface GoBody {
  readonly type: string;
  readonly shape: BodyShape;
  readonly ruleShape: BodyShape;
}

const changed = goBody('BucketUpdate', '', {});
const made = goBody('BucketsBody', 'BucketUpdate.', {
  orgId: { kind: 'string', place: 'BucketsBody.orgId' },
  rp: { kind: 'string', place: 'BucketsBody.rp' },
  schemaType: { kind: 'string', place: 'BucketsBody.schemaType' },
});

function goBody(type: string, inner: string, more: BodyShape): GoBody {
  const place = `${type}.${inner}`;
  const rule = `RetentionRule.${inner}retentionRules`;
  return {
    type: `httpd.${type}`,
    shape: {
      name: { kind: 'string', place: `${place}name` },
      description: { kind: 'string', place: `${place}description` },
      retentionRules: { kind: 'array', place: `${place}retentionRules`, type: '[]httpd.RetentionRule', elements: 'httpd.RetentionRule' }, // prettier-ignore
      ...more,
    },
    ruleShape: {
      everySeconds: { kind: 'number', place: `${rule}.everySeconds` },
      shardGroupDurationSeconds: { kind: 'number', place: `${rule}.shardGroupDurationSeconds` },
    },
  };
}

/** Buckets of the v2 API: retention policies under another name (spec 4.3). */
export const bucketRoutes: readonly {
  readonly method: string;
  readonly url: string;
  readonly handle: Handler;
}[] = [
  { method: 'GET', url: '/api/v2/buckets', handle: list },
  { method: 'POST', url: '/api/v2/buckets', handle: create },
  { method: 'GET', url: '/api/v2/buckets/:id', handle: retrieve },
  { method: 'DELETE', url: '/api/v2/buckets/:id', handle: remove },
  { method: 'PATCH', url: '/api/v2/buckets/:id', handle: update },
  ...['labels', 'members', 'owners'].flatMap((of) => {
    const handle: Handler = (_request, reply) =>
      refuse(reply, 405, `bucket ${of} not supported in this version`);
    const url = `/api/v2/buckets/:id/${of}`;
    return [
      { method: 'GET', url, handle },
      { method: 'POST', url, handle },
      { method: 'DELETE', url: `${url}/:other`, handle },
    ];
  }),
];

function list(request: FastifyRequest, reply: FastifyReply, { executor }: Ports): unknown {
  const parameters = RequestParameters.ofUrl(request);
  const [id, name] = [parameters.get('id'), parameters.get('name')];
  return answering(reply, '', () => {
    const asking = whoAsks(request);
    if (!asking.isKnown) throw new DbError('forbidden', 'list buckets - user is required');
    if (id !== '' && name !== '' && id !== name)
      return refuse(reply, 400, `list buckets: name: ${quoteGo(name)} and id: ${quoteGo(id)} do not match`); // prettier-ignore
    const buckets =
      id === '' && name === ''
        ? listBuckets(executor.catalog, parameters, (database) => asking.may('read', database))
        : [findBucket(executor.catalog, id === '' ? name : id)];
    return send(reply, 200, { buckets });
  });
}

function retrieve(request: FastifyRequest, reply: FastifyReply, { executor }: Ports): unknown {
  return answering(reply, '', () => {
    const { database, retentionPolicy } = parseBucketId(idOf(request));
    authorizeBucket({ kind: 'retrieve', database, name: '' }, whoAsks(request));
    return send(reply, 200, findBucket(executor.catalog, `${database}/${retentionPolicy}`));
  });
}

function create(request: FastifyRequest, reply: FastifyReply, { executor }: Ports): unknown {
  return answering(reply, 'buckets - ', async () => {
    const body = readBody(request.body, made);
    const { name, rp } = body;
    let named;
    try {
      named = parseBucketName(name);
    } catch (error) {
      return refuse(reply, 400, `buckets - illegal bucket name: ${errorText(error)}`);
    }
    const { database, retentionPolicy } = named;
    const quoted = quoteGo(name);
    if (retentionPolicy === '')
      return refuse(reply, 400, `buckets - illegal bucket name: ${quoted}`);
    if (rp !== '' && rp !== retentionPolicy)
      return refuse(reply, 400, `buckets - two retention policies specified: ${quoteGo(retentionPolicy)} differs from ${quoteGo(rp)}`); // prettier-ignore
    try {
      checkName(retentionPolicy);
    } catch (error) {
      return refuse(reply, 400, `buckets - retention policy ${quoteGo(retentionPolicy)}: ${errorText(error)}`); // prettier-ignore
    }
    const isNew = findDatabase(executor.catalog, database) === undefined;
    const kind = isNew ? 'create-database' : 'create-policy';
    authorizeBucket({ kind, database, name }, whoAsks(request));
    const policy = { ...body.spans, replication };
    const statement: Statement =
      isNew
        ? { kind: 'create-database', name: database, policy: { ...policy, name: retentionPolicy } }
        : { kind: 'create-retention-policy', database, name: retentionPolicy, policy, isDefault: false }; // prettier-ignore
    await runStatement(executor, statement, asNode, `cannot create bucket ${quoted}: `);
    return send(reply, 201, findBucket(executor.catalog, name));
  });
}

function update(request: FastifyRequest, reply: FastifyReply, { executor }: Ports): unknown {
  return answering(reply, '', async () => {
    const id = idOf(request);
    const { database, retentionPolicy: name } = parseBucketId(id);
    authorizeBucket({ kind: 'update', database, name: id }, whoAsks(request));
    let body;
    try {
      body = readBody(request.body, changed);
    } catch (error) {
      return refuse(reply, 400, `update bucket - ${errorText(error)}`);
    }
    const policy = { ...body.spans, replication };
    const statement: Statement = { kind: 'alter-retention-policy', database, name, policy, isDefault: false }; // prettier-ignore
    await runStatement(executor, statement, asNode, `update bucket ${quoteGo(id)}: `);
    // What was asked for, as in the reference: 0 stands for what the server has chosen.
    const { durationNs = 0n, shardDurationNs: shardGroupDurationNs = 0n } = policy;
    return send(reply, 200, bucketOf(database, { name, durationNs, shardGroupDurationNs }));
  });
}

function remove(request: FastifyRequest, reply: FastifyReply, { executor }: Ports): unknown {
  return answering(reply, '', async () => {
    const id = idOf(request);
    const { database, retentionPolicy: name } = parseBucketId(id);
    authorizeBucket({ kind: 'remove', database, name: id }, whoAsks(request));
    const found = findDatabase(executor.catalog, database);
    if (found === undefined || findRetentionPolicy(found, name) === undefined)
      return refuse(reply, 404, `delete bucket - not found: ${quoteGo(id)}`);
    await runStatement(executor, { kind: 'drop-retention-policy', database, name }, asNode, `delete bucket ${quoteGo(id)}: `); // prettier-ignore
    return reply.code(200).type('application/json').send();
  });
}

/** Sends what `answer` throws with the status of its code, `said` before its text. */
async function answering(
  reply: FastifyReply,
  said: string,
  answer: () => unknown,
): Promise<unknown> {
  try {
    return await answer();
  } catch (error) {
    if (!isDbError(error)) throw error;
    return refuse(reply, errorStatus[error.code], `${said}${error.message}`);
  }
}

interface BucketBody {
  readonly name: string;
  readonly rp: string;
  /** Of the first retention rule; without one a policy is for ever. */
  readonly spans: Pick<RetentionSpec, 'durationNs' | 'shardDurationNs'>;
}

function readBody(body: unknown, expected: GoBody): BucketBody {
  try {
    const members = readJsonBody(body, expected);
    const { name, rp, retentionRules } = members as { readonly name?: string; readonly rp?: string; readonly retentionRules?: readonly (Readonly<Record<string, unknown>> | null)[] }; // prettier-ignore
    const rules = (retentionRules ?? []).map((rule) => readMembers(rule ?? {}, expected.ruleShape));
    const [rule = {}] = rules;
    const { everySeconds, shardGroupDurationSeconds } = rule as { readonly everySeconds?: number; readonly shardGroupDurationSeconds?: number }; // prettier-ignore
    return {
      name: name ?? '',
      rp: rp ?? '',
      spans: {
        durationNs: BigInt(everySeconds ?? 0) * secondNs,
        shardDurationNs: BigInt(shardGroupDurationSeconds ?? 0) * secondNs,
      },
    };
  } catch (error) {
    if (!isDbError(error)) throw error;
    throw new DbError(error.code, `cannot parse request body: ${error.message}`);
  }
}

function idOf(request: FastifyRequest): string {
  return (request.params as { readonly id: string }).id;
}

/** Without the newline that other documents end in, as the reference sends these. */
function send(reply: FastifyReply, status: number, document: Bucket): FastifyReply {
  return reply
    .code(status)
    .type('application/json')
    .send(Buffer.from(JSON.stringify(document)));
}
