import type { FastifyInstance } from 'fastify';
import { isDbError } from '../../base/errors.ts';
import type { Random } from '../../env/random.ts';
import { noAcl, type AclKind } from '../../meta/model/acl.ts';
import { sendError } from '../error-reply.ts';
import { readAclRequest, ruleDocument } from './acl-requests.ts';
import { changeUsers } from './change-users.ts';
import type { MetaApi } from './meta-api-options.ts';
import { isElsewhere, sendJson, settleRead } from './meta-request.ts';

/** Where DELETE is a method. */
export const aclPath = '/influxdb/v2/acl/';

/** Restrictions and grants of fine-grained authorization (spec F96, 3.4). */
export function addAclRoutes(api: FastifyInstance, meta: MetaApi): void {
  addRules(api, meta, { of: 'restriction', name: 'restrictions' });
  addRules(api, meta, { of: 'grant', name: 'grants' });
}

interface RulesRoute {
  readonly of: AclKind;
  readonly name: 'restrictions' | 'grants';
}

function addRules(api: FastifyInstance, meta: MetaApi, { of, name }: RulesRoute): void {
  const { node, random } = meta.ports;
  const path = `${aclPath}${name}`;
  const rules = () => (node.catalog.acl ?? noAcl)[name];
  api.get(path, async (_request, reply) => {
    await settleRead(node);
    return sendJson(reply, { [name]: rules().map(ruleDocument) });
  });
  api.get<{ Params: { id: string } }>(`${path}/:id`, async (request, reply) => {
    await settleRead(node);
    const found = rules().find(({ id }) => id === request.params.id);
    if (found === undefined) return sendError(reply, 404, `${of} not found: ${request.params.id}`);
    return sendJson(reply, ruleDocument(found));
  });
  api.post(path, async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    const rule = { id: newId(random), ...readAclRequest(of, request.body) };
    const isDone = await changeUsers(reply, { kind: 'create-acl-rule', of, rule }, meta);
    return isDone ? sendJson(reply, ruleDocument(rule)) : reply;
  });
  api.delete<{ Params: { id: string } }>(`${path}/:id`, async (request, reply) => {
    if (isElsewhere(request, reply, meta)) return reply;
    if (!node.isJoined) return sendError(reply, 503, 'no leader');
    try {
      await node.execute({ kind: 'drop-acl-rule', of, ruleId: request.params.id });
    } catch (error) {
      if (!isDbError(error, 'not_found')) throw error;
      return sendError(reply, 404, error.message);
    }
    return reply.code(204).send();
  });
}

function newId(random: Random): string {
  return [random.u32(), random.u32()].map((word) => word.toString(16).padStart(8, '0')).join('');
}
