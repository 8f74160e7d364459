/**
 * What the main thread and an engine's thread say to each other, over one MessagePort.
 *
 * - Each request has an id and a slot of the shared cancel flags; the slot is free again once the engine's thread has
 *   answered (reply, failure, last or end), since until then the engine may still look at it.
 * - What is said within one turn of the event loop travels as one message (outgoing.ts): each costs more than
 *   a small write has to do.
 * - A stream starts with `aheadMax` credits, or `streamAheadMax`; each reply costs one, each reply consumed gives one back.
 */
import { DbError, type DbErrorCode, dbErrorCodes, errorText } from '../../../base/errors.ts';
import type { EngineSettings } from '../../engine-host.ts';
import type { LogFields, LogLevel } from '../../log.ts';

/** Requests in flight per engine; one Int32 of shared memory each. */
export const slotCountMax = 4096;

export interface EngineWorkerData {
  readonly cancelFlags: Int32Array;
  readonly logLevel: Int32Array;
}

export type ToEngine =
  | { readonly type: 'start'; readonly settings: EngineSettings }
  | {
      readonly type: 'call' | 'stream';
      readonly id: number;
      readonly slot: number;
      readonly kind: string;
      readonly body: unknown;
      readonly aheadMax?: number;
    }
  | { readonly type: 'credit'; readonly id: number }
  | { readonly type: 'stop'; readonly id: number }
  | { readonly type: 'close' };

export type FromEngine =
  | { readonly type: 'ready' }
  | { readonly type: 'reply'; readonly id: number; readonly body: unknown }
  | { readonly type: 'item' | 'last'; readonly id: number; readonly body: unknown }
  | { readonly type: 'end'; readonly id: number }
  | { readonly type: 'failure'; readonly id: number; readonly error: MarshalledError }
  | { readonly type: 'died'; readonly error: MarshalledError }
  | { readonly type: 'closed' }
  | {
      readonly type: 'log';
      readonly level: LogLevel;
      readonly message: string;
      readonly fields: LogFields;
    };

export interface MarshalledError {
  readonly code: DbErrorCode;
  readonly text: string;
  /** Of an error that is no DbError: a bug, whose place one wants to know. */
  readonly stack?: string | undefined;
}

/** A DbError keeps code and text; anything else becomes `internal`. */
export function marshalError(error: unknown): MarshalledError {
  // Not instanceof alone: a copy of the class in another module graph has the same shape.
  const shape = error as { readonly name?: unknown; readonly code?: unknown } | null;
  const code = shape?.name === 'DbError' ? dbErrorCodes.find((c) => c === shape.code) : undefined;
  if (code !== undefined) return { code, text: errorText(error) };
  const stack = error instanceof Error ? error.stack : undefined;
  return { code: 'internal', text: errorText(error), stack };
}

export function unmarshalError(error: MarshalledError): DbError {
  return new DbError(error.code, error.text, { cause: error.stack });
}
