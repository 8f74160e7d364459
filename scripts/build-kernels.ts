/**
 * Compiles the AssemblyScript kernels to one WebAssembly module. Run by `npm ci` (prepare) and after a change to a kernel.
 * `--importMemory`: every arena is a memory of its own that the loader hands in. `--runtime stub`: no garbage collector.
 */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
mkdirSync(join(root, 'src/kernels/gen'), { recursive: true });
const stderr = asc.createMemoryStream();
const { error } = await asc.main(
  [
    'src/kernels/assembly/index.ts',
    '--baseDir',
    root,
    '-o',
    'src/kernels/gen/kernels.wasm',
    '-O3',
    '--noAssert',
    // Names of functions, which profiles show; the code is the same.
    '--debug',
    '--runtime',
    'stub',
    '--enable',
    'simd',
    '--importMemory',
    '--initialMemory',
    '1',
    '--maximumMemory',
    '65536',
  ],
  { stderr },
);
if (error) {
  process.stderr.write(`${stderr.toString()}\n${error.message}\n`);
  process.exitCode = 1;
}
