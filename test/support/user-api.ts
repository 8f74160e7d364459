import fastify, { type FastifyInstance } from 'fastify';
import { DbError, type DbErrorCode } from '../../src/base/errors.ts';
import { defaultPasswordScheme } from '../../src/env/password-scheme.ts';
import type { MetaApi } from '../../src/http/meta/meta-api-options.ts';
import { applyCommand } from '../../src/meta/apply/apply.ts';
import type { Command } from '../../src/meta/command/command.ts';
import { emptyCatalog, type Catalog } from '../../src/meta/model/catalog.ts';

type Document = readonly [status: number, document: unknown];

export interface UserApi {
  /** `STATUS TEXT` of a request with a JSON body. */
  readonly post: (url: string, body: unknown) => Promise<string>;
  /** The document, or `STATUS TEXT` of what is none. */
  readonly get: (url: string) => Promise<unknown>;
  readonly ask: (
    method: 'GET' | 'POST' | 'DELETE',
    url: string,
    body?: unknown,
  ) => Promise<Document>;
  readonly execute: (command: Command) => Promise<void>;
  readonly catalog: () => Catalog;
}

/** A meta node that leads, or does not, with one database. */
export function openUserApi(
  addRoutes: (api: FastifyInstance, meta: MetaApi) => void,
  leader = '',
): UserApi {
  let catalog: Catalog = emptyCatalog;
  const execute = (command: Command): Promise<void> => {
    const index = catalog.index + 1;
    const applied = applyCommand(catalog, index, { id: `${index}`, command });
    ({ catalog } = applied);
    const { answer } = applied;
    if (answer.ok) return Promise.resolve();
    return Promise.reject(new DbError(answer.code as DbErrorCode, answer.text));
  };
  void execute({ kind: 'create-database', name: 'd' });
  const node = {
    isJoined: true,
    isLeader: leader === '',
    leaderHttpAddress: leader,
    readBarrier: () => Promise.resolve(),
    settleRead: () => Promise.resolve(true),
    execute,
    get catalog() {
      return catalog;
    },
  };
  const jobs = { run: (_kind: string, { password }: { password: string }) => Promise.resolve(`hash of ${password}`) }; // prettier-ignore
  let words = 0;
  const api = fastify();
  api.removeAllContentTypeParsers();
  api.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => {
    done(null, body);
  });
  addRoutes(api, {
    ports: { node, jobs, passwordScheme: defaultPasswordScheme, random: { u32: () => ++words } },
    options: { identities: { ldap: { isEnabled: false } } },
  } as unknown as MetaApi);
  api.setErrorHandler((error, _request, reply) => reply.code(error instanceof DbError && error.code === 'invalid_argument' ? 400 : 500).send({ error: (error as Error).message })); // prettier-ignore
  const post = async (url: string, body: unknown): Promise<string> => {
    const payload = typeof body === 'string' ? body : JSON.stringify(body);
    const headers = { 'content-type': 'application/json' };
    const answer = await api.inject({ method: 'POST', url, payload, headers });
    if (answer.body === '') return `${answer.statusCode}${answer.headers.location === undefined ? '' : ` ${answer.headers.location}`}`; // prettier-ignore
    return `${answer.statusCode} ${answer.json<{ error: string }>().error}`;
  };
  const get = async (url: string): Promise<unknown> => {
    const answer = await api.inject({ url });
    return answer.statusCode === 200 ? answer.json() : `${answer.statusCode} ${answer.body.trim()}`;
  };
  const ask: UserApi['ask'] = async (method, url, body) => {
    const payload =
      body === undefined
        ? {}
        : { payload: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
    const answer = await api.inject({ method, url, ...payload });
    return [answer.statusCode, answer.body === '' ? undefined : answer.json()];
  };
  return { post, get, ask, execute, catalog: () => catalog };
}
