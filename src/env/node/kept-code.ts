import { flushCompileCache } from 'node:module';

/** Where the loader of bundles (scripts/bundle-loader.ts) has what keeps the code of this thread. */
const keepKey: unique symbol = Symbol.for('varve.keepCode');

/**
 * Has what was compiled so far kept for the next start, however this process ends. What comes from an earlier run is not kept
 * again. Takes tens of milliseconds where there is something to keep.
 */
export function keepCompiledCode(): void {
  flushCompileCache();
  const { [keepKey]: keep } = globalThis as { readonly [keepKey]?: () => void };
  keep?.();
}
