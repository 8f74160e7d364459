import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Principal } from '../../../data/statements/principal.ts';
import type { CountedPoints } from '../../../data/write/body-routes.ts';
import type { Clock } from '../../../env/clock.ts';
import { Counters } from '../../../telemetry/counters.ts';
import type { Statistic } from '../../../telemetry/statistics.ts';
import { PendingRequests } from '../../debug/pending-requests.ts';
import { pathOf } from './request-parameters.ts';
import { prometheusPath, prometheusReadPath, writeTargets } from './write-target.ts';

/** Fields of `httpd` (spec 1.11). Those of Flux stay 0, which is not spoken. */
const names = ['authFail', 'clientError', 'fluxQueryReq', 'fluxQueryReqDurationNs', 'fluxQueryRespBytes', 'pingReq', 'pointsWrittenDropped', 'pointsWrittenFail', 'pointsWrittenOK', 'promReadReq', 'promWriteReq', 'queryReq', 'queryReqDurationNs', 'queryRespBytes', 'recoveredPanics', 'req', 'reqActive', 'reqDurationNs', 'serverError', 'statusReq', 'valuesWrittenOK', 'writeReq', 'writeReqActive', 'writeReqBytes', 'writeReqDurationNs'] as const; // prettier-ignore
type Name = (typeof names)[number];

/** Whose requests have no user (spec F123). */
const anonymous = '(anonymous)';

export interface RequestCountersOptions {
  readonly bind: string;
  /** Bytes of answers to queries are counted by user too: `user-query-bytes-enabled`. */
  readonly countsUserBytes: boolean;
}

type Kind = 'query' | 'write' | undefined;

interface Begun {
  readonly startMs: number;
  /** Once it has been let in. */
  kind: Kind;
  readonly sentBytes: number;
  readonly endPending: () => void;
}

/** What the data API counts of requests and of the points in them. */
export class RequestCounters {
  readonly #clock: Clock;
  readonly #options: RequestCountersOptions;
  readonly #counters = new Counters(names);
  /** By name; as many as there have been users. */
  readonly #userBytes = new Map<string, number>();
  readonly pending = new PendingRequests();
  readonly #begun = new WeakMap<FastifyRequest, Begun>();

  constructor(clock: Clock, options: RequestCountersOptions) {
    this.#clock = clock;
    this.#options = options;
  }

  statistics(): readonly Statistic[] {
    const { bind } = this.#options;
    const users = [...this.#userBytes].map(([user, bytes]) => ({
      name: 'userquerybytes',
      tags: { bind, user },
      values: { userQueryRespBytes: bytes },
    }));
    return [{ name: 'httpd', tags: { bind }, values: this.#counters.values() }, ...users];
  }

  add(name: Name, count = 1): void {
    this.#counters.add(name, count);
  }

  readonly addPoints = ({
    okCount,
    okValueCount,
    droppedCount,
    failedCount,
  }: CountedPoints): void => {
    this.#counters.add('pointsWrittenOK', okCount);
    this.#counters.add('valuesWrittenOK', okValueCount);
    this.#counters.add('pointsWrittenDropped', droppedCount);
    this.#counters.add('pointsWrittenFail', failedCount);
  };

  /** Counts a request that no hooks see; answers how to say that it has ended, and with what status. */
  follows(request: {
    readonly url: string;
    readonly method: string;
    readonly principal: Principal;
  }): (status: number, sentBytes?: number) => void {
    const begun = this.#begin(request, 0);
    this.#letIn(begun, request);
    return (status, sentBytes = 0) => {
      this.#end(begun, status, sentBytes);
      if (begun.kind === 'query') this.#addQueryBytes(request, sentBytes);
    };
  }

  /** Counts each request from its head to the end of its answer, or of its connection. */
  follow(api: FastifyInstance): void {
    api.addHook('onRequest', (request, reply, done) => {
      const begun = this.#begin(request, sentBytesOf(request));
      this.#begun.set(request, begun);
      reply.raw.once('close', () => {
        this.#end(begun, reply.statusCode, sentBytesOf(request));
        if (begun.kind === 'query')
          this.#addQueryBytes(request, sentBytesOf(request) - begun.sentBytes);
      });
      done();
    });
  }

  /** Counts what each request is that gets so far: who is sent away before is none of its kind, as in the reference. */
  followServed(api: FastifyInstance, isServed: (request: FastifyRequest) => boolean): void {
    api.addHook('onRequest', (request, _reply, done) => {
      const begun = this.#begun.get(request);
      if (begun !== undefined && isServed(request)) this.#letIn(begun, request);
      done();
    });
  }

  /** Not of those that were sent away before it was known who they are. */
  #addQueryBytes(
    { principal }: { readonly principal: Principal | undefined },
    bytes: number,
  ): void {
    if (!this.#options.countsUserBytes || principal === undefined) return;
    const user = principal.name || anonymous;
    this.#userBytes.set(user, (this.#userBytes.get(user) ?? 0) + Math.max(0, bytes));
  }

  #begin(
    { url, method }: { readonly url: string; readonly method: string },
    sentBytes: number,
  ): Begun {
    this.add('req');
    this.add('reqActive');
    const kind = kindOf(pathOf({ url }), method);
    const endPending = this.pending.begin(kind === undefined ? 'of another kind' : `${method} /${kind}`); // prettier-ignore
    return { startMs: this.#clock.monotonicMs(), kind: undefined, sentBytes, endPending };
  }

  #letIn(begun: Begun, { url, method }: { readonly url: string; readonly method: string }): void {
    const path = pathOf({ url });
    begun.kind = kindOf(path, method);
    if (path === '/ping') this.add('pingReq');
    if (path === '/status') this.add('statusReq');
    if (begun.kind === 'query') this.add('queryReq');
    if (begun.kind === 'write') this.add('writeReq');
    if (begun.kind === 'write') this.add('writeReqActive');
    if (begun.kind === 'write' && path === prometheusPath) this.add('promWriteReq');
    if (method === 'POST' && path === prometheusReadPath) this.add('promReadReq');
  }

  #end(begun: Begun, status: number, sentBytesNow: number): void {
    const { startMs, kind, sentBytes, endPending } = begun;
    endPending();
    const durationNs = Math.round((this.#clock.monotonicMs() - startMs) * 1e6);
    this.add('reqActive', -1);
    this.add('reqDurationNs', durationNs);
    if (status >= 400) this.add(status < 500 ? 'clientError' : 'serverError');
    if (kind === 'query') {
      this.add('queryReqDurationNs', durationNs);
      this.add('queryRespBytes', Math.max(0, sentBytesNow - sentBytes));
    } else if (kind === 'write') {
      this.add('writeReqActive', -1);
      this.add('writeReqDurationNs', durationNs);
    }
  }
}

function kindOf(path: string, method: string): Kind {
  if (path === '/query' && method !== 'OPTIONS') return 'query';
  return method === 'POST' && writeTargets.has(path) ? 'write' : undefined;
}

/** Of its connection so far; requests that tests inject have none. */
function sentBytesOf({ raw }: FastifyRequest): number {
  return (raw.socket as { readonly bytesWritten?: number }).bytesWritten ?? 0;
}
