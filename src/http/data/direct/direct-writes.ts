/**
 * Plain writes past Node's HTTP and the framework: their connections are taken as they are accepted (direct-connections.ts).
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
import { acceptedType } from '../answers/accepted-type.ts';
import { refusalFormat } from '../answers/refuse.ts';
import { GoodAnswers, plainAnswer, type PlainError } from './plain-answer.ts';
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
  readonly #good = new GoodAnswers();

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
    profiles.add(pathOf(request), request.ip);
    const startMs = ports.clock.monotonicMs();
    const answer = this.#answerOf;
    return new DirectWrite({ request, target, leave, ended, startMs, answer }, budget.open(), this.#parts); // prettier-ignore
  }

  readonly #answerOf = (
    request: PlainRequest,
    error: PlainError | undefined,
    startMs: number,
  ): string => {
    const { ports, options, fixed, accessLog } = this.#parts;
    const { headers } = request;
    const asked = headers['x-request-id'] ?? headers['request-id'] ?? '';
    const requestId = asked === '' ? ports.requestId() : asked;
    const parts = {
      version: options.version,
      requestId,
      more: fixed.text,
      date: this.#shared.date(),
      closes: this.#shared.isClosing() || request.closes,
      contentType: acceptedType(headers['accept'] ?? ''),
    };
    const { text, lengthBytes } = error === undefined ? this.#good.answer(parts) : plainAnswer(parts, error); // prettier-ignore
    const status = error?.status ?? goodStatus;
    if (accessLog.takes(request, status)) {
      const nowNs = ports.clock.wallNs();
      const elapsedMs = ports.clock.monotonicMs() - startMs;
      accessLog.note(request, { httpVersion: '1.1', status, lengthBytes, requestId, elapsedMs }, nowNs); // prettier-ignore
    }
    return text;
  };
}

const goodStatus = 204;

interface LetIn {
  readonly request: PlainRequest;
  readonly target: BoundTarget;
  readonly leave: () => void;
  readonly ended: (status: number) => void;
  readonly startMs: number;
  readonly answer: (request: PlainRequest, error: PlainError | undefined, startMs: number) => string; // prettier-ignore
}

class DirectWrite implements OpenWrite {
  readonly place: BodyPlace;
  readonly #letIn: LetIn;
  readonly #parts: DirectParts;
  #status = 200;

  constructor(letIn: LetIn, place: BodyPlace, parts: DirectParts) {
    this.#letIn = letIn;
    this.place = place;
    this.#parts = parts;
  }

  get takesLent(): boolean {
    return !isZipped(this.#letIn.request);
  }

  answer(body: Buffer, isLent: boolean): Promise<string> {
    const { request } = this.#letIn;
    const fail = (error: unknown): string => this.#answer(this.#plainError(error));
    try {
      const writing = isZipped(request) ? this.#writeZipped(body) : this.#write(body, isLent);
      return writing.then(() => this.#answer(undefined), fail);
    } catch (error) {
      return Promise.resolve(fail(error));
    }
  }

  end(): void {
    const { leave, ended } = this.#letIn;
    this.place.close();
    leave();
    ended(this.#status);
  }

  #answer(error: PlainError | undefined): string {
    const { request, startMs, answer } = this.#letIn;
    this.#status = error?.status ?? goodStatus;
    return answer(request, error, startMs);
  }

  async #writeZipped(body: Buffer): Promise<void> {
    const { buffers, ports, options } = this.#parts;
    const { jobs } = ports;
    const unzip = { jobs, bytesMax: options.bodyBytesMax, place: this.place, buffers };
    await this.#write(await unzippedBody(body, unzip), false);
  }

  #write(lines: Uint8Array, isLent: boolean): Promise<void> {
    const { buffers, counters } = this.#parts;
    const { request, target } = this.#letIn;
    counters.add('writeReqBytes', lines.length);
    const bodyRead = isLent ? undefined : () => { buffers.giveBack(lines); }; // prettier-ignore
    return writeBody(request, { target, body: lines, bodyRead, isLent }, this.#parts);
  }

  #plainError(error: unknown): PlainError {
    if (isDbError(error)) return this.#refused(errorStatus[error.code], error.message);
    this.#parts.ports.log.error('A request failed in a way nobody expected', {
      path: pathOf(this.#letIn.request),
      error: error instanceof Error ? (error.stack ?? error.message) : errorText(error),
    });
    return this.#refused(500, 'internal server error');
  }

  #refused(status: number, text: string): PlainError {
    return { status, text, body: refusalFormat(this.#letIn.request).writeError(text) };
  }
}

function isZipped({ headers }: PlainHead): boolean {
  return headers['content-encoding'] === 'gzip';
}
