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

interface Begun {
  readonly startMs: number;
  readonly kind: 'query' | 'write' | undefined;
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
    return (status, sentBytes = 0) => {
      this.#end(begun, status, sentBytes);
      if (begun.kind === 'query') this.#addQueryBytes(request, sentBytes);
    };
  }

  /** Counts each request from its head to the end of its answer, or of its connection. */
  follow(api: FastifyInstance): void {
    api.addHook('onRequest', (request, reply, done) => {
      const begun = this.#begin(request, sentBytesOf(request));
      reply.raw.once('close', () => {
        this.#end(begun, reply.statusCode, sentBytesOf(request));
        if (begun.kind === 'query')
          this.#addQueryBytes(request, sentBytesOf(request) - begun.sentBytes);
      });
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
    const path = pathOf({ url });
    this.add('req');
    this.add('reqActive');
    if (path === '/ping') this.add('pingReq');
    if (path === '/status') this.add('statusReq');
    const isQuery = path === '/query' && method !== 'OPTIONS';
    const isWrite = method === 'POST' && writeTargets.has(path);
    if (isQuery) this.add('queryReq');
    if (isWrite) this.add('writeReq');
    if (isWrite) this.add('writeReqActive');
    if (isWrite && path === prometheusPath) this.add('promWriteReq');
    if (method === 'POST' && path === prometheusReadPath) this.add('promReadReq');
    const kind = isQuery ? 'query' : isWrite ? 'write' : undefined;
    const endPending = this.pending.begin(kind === undefined ? 'of another kind' : `${method} /${kind}`); // prettier-ignore
    return { startMs: this.#clock.monotonicMs(), kind, sentBytes, endPending };
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

/** Of its connection so far; requests that tests inject have none. */
function sentBytesOf({ raw }: FastifyRequest): number {
  return (raw.socket as { readonly bytesWritten?: number }).bytesWritten ?? 0;
}
