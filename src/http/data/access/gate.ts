/**
 * Who may come in (spec 4.0, F88, F105): each request learns who makes it before its body is read. It fails closed: a
 * request of whom nothing was learned is one of `nobody`, who may do nothing but make the first admin.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { isDbError } from '../../../base/errors.ts';
import { secondNs } from '../../../base/units.ts';
import {
  everyone,
  nobody,
  principalOf,
  type Principal,
} from '../../../data/statements/principal.ts';
import { errorStatus, sendError } from '../../error-reply.ts';
import { answerFormat } from '../answers/answer-format.ts';
import type { DataApiPorts } from '../data-api-options.ts';
import type { AccessOptions } from './access-options.ts';
import type { RequestCounters } from '../requests/request-counters.ts';
import { pathOf, RequestParameters } from '../requests/request-parameters.ts';
import { credentialsOf, type SignedRequest } from '../../access/credentials.ts';
import { PasswordChecks } from '../../access/password-checks.ts';
import { userOfToken } from '../../access/user-token.ts';
import type { ldapUser } from '../../../ldap/ldap-principal.ts';
import { ldapUserNamed, ldapUserOfPassword } from '../../access/ldap-access.ts';
import { hasAdmin, refused, userNamed, userOfPassword } from '../../access/users.ts';

declare module 'fastify' {
  interface FastifyRequest {
    principal: Principal | undefined;
  }
}

export interface GateParts {
  readonly ports: DataApiPorts;
  readonly access: AccessOptions;
  readonly counters: Pick<RequestCounters, 'add'>;
  /** Whether there is something at its address for its method. */
  readonly isServed: (request: FastifyRequest) => boolean;
}

/** Who makes a request that has passed the gate. */
export function whoAsks({ principal }: { readonly principal: Principal | undefined }): Principal {
  return principal ?? nobody;
}

/** Who makes a request that the configuration guards. Rejects, or throws, with what is said to those that are nobody. */
export type Admit = (request: SignedRequest) => Principal | Promise<Principal>;

/**
 * Asks every request that the configuration guards. Comes behind what writes wait for, as in the reference. Answers how
 * others ask who do without its hooks; those whom it refuses are not counted as such.
 */
export function addGate(api: FastifyInstance, parts: GateParts): Admit {
  const { ports, access } = parts;
  api.decorateRequest('principal', undefined);
  if (!access.isEnabled) {
    api.addHook('onRequest', (request, _reply, done) => {
      request.principal = everyone;
      done();
    });
    return () => everyone;
  }
  const passwords = new PasswordChecks(ports.jobs, ports.random);
  api.addHook('onRequest', (request, reply, done) => {
    const guard = guardOf(request, parts);
    if (guard === 'none') {
      done();
      return;
    }
    admit(request, passwords, parts).then(
      (principal) => {
        request.principal = principal;
        if (guard !== 'admin' || principal.isAdmin) {
          done();
          return;
        }
        ports.log.info('Unauthorized request', { user: principal.name, path: pathOf(request) });
        sendError(reply, 403, 'error authorizing admin access');
      },
      (error: unknown) => {
        if (isDbError(error, 'unauthenticated'))
          challenge(request, reply, { text: error.message, access }); // prettier-ignore
        else if (isDbError(error)) sendError(reply, errorStatus[error.code], error.message);
        else done(error as Error);
      },
    );
  });
  const uncounted = { ...parts, counters: { add: () => undefined } };
  return (request) => admit(request, passwords, uncounted);
}

/** Addresses that are open but for `ping-auth-enabled`. */
const pings = new Set(['/ping', '/status', '/health', '/metrics']);

/** Addresses that show the whole cluster's shards and set repairs going (spec F80, F81), whatever is there: statements guard themselves, these do not. */
const ofShards = /^\/shard-(?:status|repair)(?:\/|$)/;

function guardOf(
  request: FastifyRequest,
  { access, isServed }: GateParts,
): 'none' | 'user' | 'admin' {
  const path = pathOf(request);
  if (path.startsWith('/debug/')) return access.guardsProfiles ? 'admin' : 'none';
  if (ofShards.test(path)) return 'admin';
  if (request.method === 'OPTIONS' || !isServed(request)) return 'none';
  if (pings.has(path)) return access.guardsPing ? 'user' : 'none';
  return 'user';
}

/**
 * Until there is an admin nobody is asked who they are. Throws `unauthenticated` with the reference's texts, `unavailable` where
 * no meta node says whether there is one.
 */
async function admit(
  request: SignedRequest,
  passwords: PasswordChecks,
  { ports, access, counters }: Omit<GateParts, 'isServed'>,
): Promise<Principal> {
  const { executor, ldap, settleCatalog } = ports;
  const catalogOf = () => executor.catalog;
  const isAsked = () => ldap?.isEnabled === true || hasAdmin(catalogOf());
  if (!isAsked()) {
    // A node that has not heard of the first admin must not let anybody make another.
    await settleCatalog?.();
    if (!isAsked()) return nobody;
  }
  const isLdap = ldap?.isEnabled === true;
  const credentials = credentialsOf(request);
  try {
    if (credentials === undefined) throw refused('unable to parse authentication credentials');
    if (credentials.kind === 'password' && isLdap)
      return principalOfLdap(await ldapUserOfPassword(credentials, catalogOf, ldap));
    if (credentials.kind === 'password') {
      const user = await userOfPassword(credentials, catalogOf, passwords);
      return principalOf(user, catalogOf());
    }
    if (access.sharedSecret === '') throw refused('bearer auth disabled');
  } catch (error) {
    if (isDbError(error, 'unauthenticated')) counters.add('authFail');
    throw error;
  }
  const nowS = Number(ports.clock.wallNs() / secondNs);
  const name = userOfToken(credentials.token, access.sharedSecret, nowS);
  if (isLdap) return principalOfLdap(await ldapUserNamed(name, catalogOf, ldap));
  return principalOf(userNamed(catalogOf(), name), catalogOf());
}

function principalOfLdap({ user, rights }: ReturnType<typeof ldapUser>): Principal {
  return principalOf(user, rights);
}

/** 401 in the form that was asked for. Its text stands in no header, as in the reference. */
function challenge(
  request: FastifyRequest,
  reply: FastifyReply,
  { text, access }: { readonly text: string; readonly access: AccessOptions },
): void {
  const pretty = RequestParameters.ofUrl(request).get('pretty') === 'true';
  const format = answerFormat(request.headers.accept ?? '', { epochUnitNs: undefined, pretty });
  reply.raw.setHeader('WWW-Authenticate', `Basic realm="${access.realm}"`);
  reply.code(401).type(format.contentType).send(format.writeError(text));
}
