import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Buffer } from 'node:buffer';
import { DbError, errorText, isDbError } from '../../base/errors.ts';
import { MiB } from '../../base/units.ts';
import { commandBytesMax } from '../../meta/client/meta-methods.ts';
import { encodeCatalog } from '../../meta/codec/catalog-codec.ts';
import type { Command } from '../../meta/command/command.ts';
import { decodeMessage } from '../../rpc/message.ts';
import { sendError } from '../error-reply.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, parameter, sendJson } from './meta-request.ts';

/** A command in base64, and what is around it. */
const bodyLimit = Math.ceil((commandBytesMax * 4) / 3) + MiB;

/** The cluster's facts for a backup, and back from one (spec F82 to F85; the reference's routes are not public). */
export function addBackupRoutes(api: FastifyInstance, meta: MetaApi): void {
  const { node } = meta.ports;
  api.get('/backup-meta', async (request, reply) => {
    if (!node.isJoined) return sendError(reply, 503, 'no leader');
    if (isElsewhere(request, reply, meta)) return reply;
    await node.readBarrier();
    const { catalog } = node;
    // What was answered, and who holds what for the moment, is of no use to anybody later.
    const kept = encodeCatalog({ ...catalog, answered: [], leases: [] });
    return sendJson(reply, { index: catalog.index, catalog: Buffer.from(kept).toString('base64') });
  });
  api.post('/restore-meta', { bodyLimit }, (request, reply) =>
    change(request, reply, { meta, kind: 'restore-databases' }),
  );
  api.post('/finish-restore', async (request, reply) => {
    const text = parameter(request, 'shards');
    if (!/^\d{1,15}(,\d{1,15})*$/.test(text)) return sendError(reply, 400, 'shards is required');
    if (!node.isJoined) return sendError(reply, 503, 'no leader');
    if (isElsewhere(request, reply, meta)) return reply;
    await node.execute({ kind: 'finish-restore', shardIds: text.split(',').map(Number) });
    return reply.code(204).send();
  });
  api.post('/overwrite-meta', { bodyLimit }, (request, reply) =>
    change(request, reply, { meta, kind: 'overwrite-databases' }),
  );
}

async function change(
  request: FastifyRequest,
  reply: FastifyReply,
  { meta, kind }: { readonly meta: MetaApi; readonly kind: Command['kind'] },
): Promise<FastifyReply> {
  const content = parameter(request, 'content');
  if (content === '') return sendError(reply, 400, 'content is required');
  if (!meta.ports.node.isJoined) return sendError(reply, 503, 'no leader');
  if (isElsewhere(request, reply, meta)) return reply;
  try {
    // Whether it is a command is looked at by the node, before it is one.
    const given = decodeMessage(Buffer.from(content, 'base64url')) as object;
    const made = await meta.ports.node.execute({ ...given, kind } as Command);
    return await sendJson(reply, { firstShardId: made?.firstShardId ?? 0 });
  } catch (error) {
    if (!isDbError(error)) throw error;
    throw new DbError(error.code, `problem setting snapshot: ${errorText(error)}`, {
      cause: error,
    });
  }
}
