/**
 * Runs a bundle of `scripts/build-bundles.ts`, which has it beside the bundles. Each chunk is a script that is compiled from what is
 * kept of an earlier run, where there is some: all that V8 had compiled of it when that said so (src/env/node/kept-code.ts),
 * functions too, which are compiled at their first call otherwise. It lies beside the chunk, whose name tells its content, and
 * counts for one version of Node and while its checksum is right. V8 refuses that of other flags.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Script, constants } from 'node:vm';
import { threadId } from 'node:worker_threads';
import { crc32 } from 'node:zlib';

type Require = (id: string) => unknown;
type Chunk = (exports: object, require: Require, module: object, filename: string) => void;

/** A chunk that was compiled from its source, and where its code is kept. */
interface Compiled {
  readonly script: Script;
  readonly codePath: string;
}

/** By it src/env/node/kept-code.ts has the code kept. */
const keepKey = Symbol.for('varve.keepCode');
const checksumBytes = 4;

/** `outer` finds what is in no bundle. */
export function runBundle(folder: string, entry: string, outer: Require): void {
  const modules = new Map<string, { exports: object }>();
  const fromSource: Compiled[] = [];
  const load = (name: string): object => {
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const module = { exports: {} };
    modules.set(name, module);
    const path = join(folder, name);
    const chunk = compile(path, fromSource).runInThisContext() as Chunk;
    chunk(module.exports, find, module, path);
    return module.exports;
  };
  const find: Require = (id) => (id.startsWith('./') ? load(id.slice(2)) : outer(id));
  const keep = (): void => {
    for (const one of fromSource) keepCode(one);
    removeUnfinished(folder);
  };
  Object.defineProperty(globalThis, keepKey, { value: keep });
  load(entry);
}

function compile(path: string, fromSource: Compiled[]): Script {
  const codePath = `${path}.${process.version}-${process.arch}.code`;
  const cachedData = keptCode(codePath);
  const script = new Script(readFileSync(path, 'latin1'), {
    filename: path,
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData !== undefined && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected === true)
    fromSource.push({ script, codePath });
  return script;
}

/** V8 believes what it is given: a bit that has flipped would be run. */
function keptCode(path: string): Buffer | undefined {
  try {
    const kept = readFileSync(path);
    const code = kept.subarray(checksumBytes);
    return code.length > 0 && kept.readUInt32LE(0) === crc32(code) ? code : undefined;
  } catch {
    return undefined;
  }
}

function keepCode({ script, codePath }: Compiled): void {
  const code = script.createCachedData();
  const checksum = Buffer.alloc(checksumBytes);
  checksum.writeUInt32LE(crc32(code));
  const unfinished = `${codePath}.${process.pid}-${threadId}`;
  try {
    writeFileSync(unfinished, Buffer.concat([checksum, code]));
    renameSync(unfinished, codePath);
  } catch {
    // A folder that cannot be written, or a full disk: the next start compiles again.
    rmSync(unfinished, { force: true });
  }
}

/** What processes have left that died while they kept code. */
function removeUnfinished(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const writer = /\.code\.(\d+)-\d+$/.exec(name)?.[1];
      if (writer !== undefined && isGone(Number(writer))) rmSync(join(folder, name));
    }
  } catch {
    // A folder that cannot be written keeps them.
  }
}

function isGone(processId: number): boolean {
  if (processId === process.pid) return false;
  try {
    process.kill(processId, 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
