import { readFileSync } from 'node:fs';

let bytes: Uint8Array | undefined;

/** The kernels' WebAssembly as `npm ci` has built it: code, not data, so it is read past Env. */
export function kernelModule(): Uint8Array {
  bytes ??= new Uint8Array(readFileSync(new URL('../gen/kernels.wasm', import.meta.url)));
  return bytes;
}
