/**
 * Assertions stay on in production: a broken invariant stops the process rather than spoil data.
 * Nobody catches InvariantError but the main, which logs it and exits.
 */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** States one fact that must hold. `text` says the fact, not the failure. */
export function assert(fact: boolean, text: string): asserts fact {
  if (!fact) throw new InvariantError(text);
}

/** Returns `value`, which must be there. */
export function must<T>(value: T | undefined | null, text: string): T {
  if (value === undefined || value === null) throw new InvariantError(text);
  return value;
}

/** The default arm of a switch that covers every tag; a new tag fails to compile here. */
export function unreachable(value: never): never {
  throw new InvariantError(`unreachable value: ${String(value)}`);
}
