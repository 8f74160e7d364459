/**
 * Plain writes past Node's HTTP and the framework: their connections are taken as they are accepted (write-connection.ts).
 * What a request passes is the same and in the same order: the throttle, who makes it, where it goes, the budget of
 * bodies, what is counted and logged (decision 50).
 */
import type { Buffer } from 'node:buffer';
import { errorText, isDbError } from '../../../base/errors.ts';
import type { Principal } from '../../../data/statements/principal.ts';
import { errorStatus } from '../../error-reply.ts';
import { pathOf, RequestParameters } from '../requests/request-parameters.ts';
import { unzippedBody } from '../requests/unzipped-body.ts';
import type { BodyPlace } from '../requests/body-budget.ts';
import { targetOf, writeBody, type BoundTarget } from '../write-route.ts';
import type { DirectParts, SharedAnswers } from './direct-parts.ts';
import { plainAnswer, type PlainError } from './plain-answer.ts';
import type { PlainHead } from './plain-head.ts';
import type { OpenWrite } from './exchange.ts';

/** A plain write, as those who answer it ask about it. */
interface PlainRequest extends PlainHead {
  readonly ip: string;
  readonly principal: Principal;
}

/** Lets plain writes in, and answers them. */
export class DirectWrites {
  readonly #parts: DirectParts;
  readonly #shared: SharedAnswers;

  constructor(parts: DirectParts, shared: SharedAnswers) {
    this.#parts = parts;
    this.#shared = shared;
  }

  /** Undefined for those that Node's server is to hold back or to refuse. */
  open(head: PlainHead, ip: string): OpenWrite | undefined | Promise<OpenWrite | undefined> {
    const { throttle, admit, options } = this.#parts;
    const { bodyBytesMax } = options;
    if (bodyBytesMax > 0 && head.lengthBytes > bodyBytesMax) return undefined;
    const leave = throttle.tryEnter();
    if (leave === undefined) return undefined;
    const admitted = admit(head);
    if (!(admitted instanceof Promise))
      return this.#admitted({ head, ip, principal: admitted }, leave);
    return admitted.then(
      (principal) => this.#admitted({ head, ip, principal }, leave),
      () => {
        leave();
        return undefined;
      },
    );
  }

  #admitted(
    { head, ip, principal }: { readonly head: PlainHead; readonly ip: string; readonly principal: Principal }, // prettier-ignore
    leave: () => void,
  ): OpenWrite | undefined {
    // Read once for all requests of the same head.
    RequestParameters.ofUrl(head);
    const request: PlainRequest = { ...head, ip, principal };
    try {
      return this.#opened(request, targetOf(request, this.#parts.ports), leave);
    } catch (error) {
      leave();
      if (isDbError(error)) return undefined;
      throw error;
    }
  }

  #opened(request: PlainRequest, target: BoundTarget, leave: () => void): OpenWrite {
    const { counters, profiles, budget, ports } = this.#parts;
    const ended = counters.follows(request);
    counters.add('writeReqBytes', request.lengthBytes);
    profiles.add(pathOf(request), request.ip);
    const place = budget.open();
    const startMs = ports.clock.monotonicMs();
    let status = 200;
    return {
      place,
      takesLent: !isZipped(request),
      answer: async (body, isLent) => {
        const error = await this.#write(request, { target, body, isLent, place });
        status = error?.status ?? 204;
        return this.#answer(request, error, startMs);
      },
      end: () => {
        place.close();
        leave();
        ended(status);
      },
    };
  }

  async #write(
    request: PlainRequest,
    { target, body, isLent, place }: { readonly target: BoundTarget; readonly body: Buffer; readonly isLent: boolean; readonly place: BodyPlace }, // prettier-ignore
  ): Promise<PlainError | undefined> {
    const { buffers, ports, options } = this.#parts;
    const { jobs } = ports;
    const unzip = { jobs, bytesMax: options.bodyBytesMax, place, buffers };
    try {
      const lines = isZipped(request) ? await unzippedBody(body, unzip) : body;
      const giveBack = (): void => {
        buffers.giveBack(lines);
      };
      const bodyRead = isLent ? undefined : giveBack;
      await writeBody(request, { target, body: lines, bodyRead, isLent }, this.#parts);
      return undefined;
    } catch (error) {
      if (isDbError(error)) return { status: errorStatus[error.code], text: error.message };
      ports.log.error('A request failed in a way nobody expected', {
        path: pathOf(request),
        error: error instanceof Error ? (error.stack ?? error.message) : errorText(error),
      });
      return { status: 500, text: 'internal server error' };
    }
  }

  #answer(request: PlainRequest, error: PlainError | undefined, startMs: number): string {
    const { ports, options, accessLog } = this.#parts;
    const { headers } = request;
    const asked = headers['x-request-id'] ?? headers['request-id'] ?? '';
    const requestId = asked === '' ? ports.requestId() : asked;
    const { version } = options;
    const parts = {
      version,
      requestId,
      more: this.#parts.fixed.text,
      date: this.#shared.date(),
      closes: this.#shared.isClosing() || request.closes,
    };
    const { text, lengthBytes } = plainAnswer(parts, error);
    const status = error?.status ?? 204;
    if (accessLog.takes(request, status)) {
      const nowNs = ports.clock.wallNs();
      const elapsedMs = ports.clock.monotonicMs() - startMs;
      accessLog.note(request, { httpVersion: '1.1', status, lengthBytes, requestId, elapsedMs }, nowNs); // prettier-ignore
    }
    return text;
  }
}

function isZipped({ headers }: PlainHead): boolean {
  return headers['content-encoding'] === 'gzip';
}
