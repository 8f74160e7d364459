/** One request of a connection from its head to the end of its answer, as the two say it to each other. */
import type { Buffer } from 'node:buffer';
import type { BodyPlace } from '../requests/body-budget.ts';
import type { StartedAnswer } from '../../../data/statements/started-answer.ts';
import type { PlainHead } from './plain-head.ts';

/** What a connection does for the request whose turn it is. */
export interface Turn {
  readonly isOver: boolean;
  /** Some bytes, one behind the other, in one call of the system. False: what was written waits for the client. */
  write(...answer: readonly (string | Uint8Array)[]): boolean;
  /** Nothing of the request has run: Node's server answers it, and all that comes behind it. */
  handOver(request: Uint8Array): void;
  /** The answer is written. `isTaken` false: the next request waits until the client has taken it. */
  answered(isTaken: boolean): void;
  /** Reads on, if nothing else holds it. */
  goOn(): void;
  destroy(): void;
}

/** A write that was let in. */
export interface OpenWrite {
  readonly place: BodyPlace;
  /** Whether answer() may be given a body that is lent. */
  readonly takesLent: boolean;
  /**
   * Writes the body; resolves with the answer's text. Never rejects. It is its own from then on, or of a lent one the memory is another's
   * once this has returned.
   */
  answer(body: Buffer, isLent: boolean): Promise<string>;
  /** Once, however it ended. */
  end(): void;
}

/** A query that came whole. */
export interface AskedRequest {
  readonly head: PlainHead;
  /** The body, '' where there is none. */
  readonly body: Buffer;
  readonly ip: string;
  /** Tells that the client has gone. */
  readonly signal: AbortSignal;
}

/** A query that is answered. */
export interface OpenQuery {
  readonly started: StartedAnswer;
  /** Of an answer of so many bytes, of unknown length where undefined. */
  head(lengthBytes: number | undefined): string;
  /** Once; bytes that were sent, with the head, and those of the body alone. */
  end(sentBytes: number, lengthBytes: number): void;
}
