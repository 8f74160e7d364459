import { readFileSync } from 'node:fs';

let compiled: WebAssembly.Module | undefined;

/** The kernels as `npm ci` has built them, compiled once a thread: code, not data, so it is read past Env. */
export function compiledKernels(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(
    new Uint8Array(readFileSync(new URL('../gen/kernels.wasm', import.meta.url))),
  );
  return compiled;
}
