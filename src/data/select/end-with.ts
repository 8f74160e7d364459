/** What aborts when another signal does, or when it is told to. */
export interface Ending {
  readonly signal: AbortSignal;
  /** Aborts: somebody may wait still. */
  readonly stop: () => void;
  /** Nobody does: an abort that nobody needs is dearer than a small answer. */
  readonly release: () => void;
}

export function endWith(signal: AbortSignal): Ending {
  const ending = new AbortController();
  const release = (): void => {
    signal.removeEventListener('abort', stop);
  };
  const stop = (): void => {
    release();
    ending.abort(signal.reason);
  };
  signal.addEventListener('abort', stop);
  if (signal.aborted) stop();
  return { signal: ending.signal, stop, release };
}
