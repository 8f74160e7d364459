import { Buffer } from 'node:buffer';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { quoteGo } from '../../base/go-format.ts';
import { DbError, isDbError, type DbErrorCode } from '../../base/errors.ts';
import { packSnappyApart } from '../../codec/snappy.ts';
import type { Principal } from '../../data/statements/principal.ts';
import type { QueryRequest } from '../../data/statements/statement-executor.ts';
import type { Measurement, Statement } from '../../influxql/ast.ts';
import { parseQuery } from '../../influxql/parser.ts';
import { findDatabase, findRetentionPolicy } from '../../meta/model/catalog.ts';
import type { OutputSeries } from '../../query/emit/result.ts';
import type { DataApiOptions, DataApiPorts } from '../data/data-api-options.ts';
import { whoAsks } from '../data/access/gate.ts';
import { goneSignal } from '../data/query-route.ts';
import { RequestParameters } from '../data/requests/request-parameters.ts';
import { errorStatus } from '../error-reply.ts';
import { refuse } from '../data/answers/refuse.ts';
import { unpackRequest } from './packed.ts';
import { parseReadRequest, valueField, type RemoteRead } from './read-request.ts';
import { ReadResponse } from './read-response.ts';

/** So much of the answer is held back, so that a failed node is no error until it is out. */
const heldBytesMax = 4 << 20;

/** POST /api/v1/prom/read (spec 4.4): the float field `value` of the series that the matchers of one query name. */
export async function handleRead(
  request: FastifyRequest,
  reply: FastifyReply,
  { ports, options }: { readonly ports: DataApiPorts; readonly options: DataApiOptions },
): Promise<unknown> {
  try {
    const packed = Buffer.isBuffer(request.body) ? request.body : Buffer.alloc(0);
    const message = await unpackRequest(packed, options.bodyBytesMax);
    const parameters = RequestParameters.ofUrl(request);
    if (options.access.guardsPrometheusReads) mustRead(whoAsks(request), parameters.get('db'));
    const read = parseReadRequest(message);
    const place = placeOf(parameters, ports);
    const { queryTimeoutMs: timeoutMs } = options;
    const base = { ...place, principal: whoAsks(request), isReadOnly: true, bucketsMax: 0, timeoutMs, heldBytesMax, signal: goneSignal(reply) }; // prettier-ignore
    const bytes = await answerOf(read, base, ports);
    const body = Buffer.from(await packSnappyApart(bytes));
    return await reply
      .code(200)
      .header('Content-Encoding', 'snappy')
      .type('application/x-protobuf')
      .send(body);
  } catch (error) {
    if (!isDbError(error)) throw error;
    return refuse(reply, statusOf(error.code), error.message);
  }
}

function statusOf(code: DbErrorCode): number {
  return code === 'too_large' || code === 'forbidden' ? errorStatus[code] : 400;
}

/** Only where `prom-read-auth-enabled` asks for it, as in the reference. */
function mustRead(reading: Principal, database: string): void {
  const quoted = quoteGo(database);
  if (!reading.isKnown)
    throw new DbError('forbidden', `user is required to read from database ${quoted}`);
  if (!reading.may('read', database))
    throw new DbError('forbidden', `user ${quoteGo(reading.name)} is not authorized to read from database ${quoted}`); // prettier-ignore
}

type Place = Omit<QueryRequest, 'statements'>;

function placeOf(
  parameters: RequestParameters,
  { executor }: DataApiPorts,
): Pick<QueryRequest, 'database' | 'retentionPolicy'> {
  const [database, retentionPolicy] = [parameters.get('db'), parameters.get('rp')];
  const found = findDatabase(executor.catalog, database);
  if (found === undefined) throw new DbError('invalid_argument', 'no database');
  if (findRetentionPolicy(found, retentionPolicy) === undefined)
    throw new DbError('invalid_argument', 'invalid retention policy');
  return { database, retentionPolicy };
}

async function answerOf(
  read: RemoteRead,
  place: Place,
  { executor }: Pick<DataApiPorts, 'executor'>,
): Promise<Uint8Array> {
  const response = new ReadResponse();
  const sources: Measurement[] = [];
  for await (const series of seriesOf('SHOW FIELD KEYS', (statement) => statement))
    if (isOfFloats(series) && series.name !== undefined && read.isNamed(series.name))
      sources.push({ kind: 'measurement', database: '', retentionPolicy: '', name: series.name });
  if (sources.length > 0)
    for await (const series of seriesOf(`SELECT ${valueField}::float FROM m GROUP BY *`, (statement) =>
      statement.kind === 'select' ? { ...statement, sources, condition: read.condition } : statement,
    ))
      if (series.kind === 'columns') response.add(series); // prettier-ignore
  return response.finish();

  async function* seriesOf(text: string, change: (statement: Statement) => Statement) {
    const statements = parseQuery(text).map(change);
    for await (const { series, error } of executor.execute({ ...place, statements })) {
      if (error !== undefined) throw new DbError('invalid_argument', error);
      yield* series;
    }
  }
}

/** Whether a measurement has the field of remote write; of another type it is none, as in the reference. */
function isOfFloats(series: OutputSeries): boolean {
  if (series.kind !== 'rows') return false;
  return series.rows.some(([field, type]) => field === valueField && type === 'float');
}
