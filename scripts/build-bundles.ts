/**
 * Makes one file of the modules of each program and thread, in dist/NAME: a thousand small modules take a process twice as
 * long to be there, and half as much memory again. Run by `npm ci` (prepare). The programs of bin/ take the bundles while no
 * source is newer than them, and the sources else, so that nobody has to think of it.
 */
import http from 'node:http';
import { mkdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { rolldown, type Plugin } from 'rolldown';
import snappy from 'snappy';

const root = join(import.meta.dirname, '..');
const programs = ['main-data', 'main-meta', 'main-ctl', 'main-inspect', 'main-license'];
/** Modules that are started as threads, by their paths within src. */
const threads = ['server/node/engine-worker', 'env/node/passwords/bcrypt-thread'];
/** They load machine code from beside them, or are loaded by nobody but who backs up to S3. */
const external = [/^@aws-sdk\//, 'classic-level'];

/** Where a chunk is, in its words. */
const ownUrl = "require('node:url').pathToFileURL(__filename)";

/** What a module finds by its own place is found from the bundle: threads in theirs, all else where it lies. */
const places: Plugin = {
  name: 'places',
  async load(id) {
    if (!id.startsWith(join(root, 'src'))) return null;
    const code = await readFile(id, 'utf8');
    if (!code.includes('import.meta')) return null;
    const placed = code.replace(/new URL\('([^']+)', import\.meta\.url\)/g, (_all, to: string) => {
      const path = relative(join(root, 'src'), join(id, '..', to)).replace(/\.ts$/, '');
      const name = nameOf(path);
      if (threads.includes(path)) return `new URL('../${name}/${name}.js', ${ownUrl})`;
      return `new URL('../../src/${path}', ${ownUrl})`;
    });
    if (placed.includes('import.meta')) throw new Error(`${id}: a bundle does not know this import.meta`); // prettier-ignore
    return { code: placed, moduleType: 'ts' };
  },
};

/**
 * `import` of node:http asks it for all that it exports, WebSocket too, which loads a client that nobody here uses (40 ms).
 * Bundles have it without what is made when it is asked for.
 */
const httpAsItIs: Plugin = {
  name: 'http',
  resolveId: (id, _importer, { kind }) =>
    id === 'node:http' && kind === 'import-statement' ? `\0${id}` : null,
  load: (id) => {
    if (id !== '\0node:http') return null;
    const members = Object.entries(Object.getOwnPropertyDescriptors(http));
    const names = members.flatMap(([name, member]) => ('value' in member ? [name] : []));
    return `const http = process.getBuiltinModule('node:http');\nexport default http;\nexport const { ${names.join(', ')} } = http;\n`; // prettier-ignore
  },
};

/** Machine code too, which takes each thread 5 ms to load and no start needs: it is loaded at the first call. */
const snappyWhenCalled: Plugin = {
  name: 'snappy',
  resolveId: (id, _importer, { kind }) => {
    if (id !== 'snappy') return null;
    return kind === 'import-statement' ? `\0${id}` : { id, external: true };
  },
  load: (id) => {
    if (id !== '\0snappy') return null;
    const lines = Object.keys(snappy).map(
      (name) => `export const ${name} = (...all) => loaded().${name}(...all);`,
    );
    return ["let known; const loaded = () => (known ??= require('snappy'));", ...lines].join('\n');
  },
};

/** Fastify has them for routes with schemas, of which there are none (src/http/no-schemas.ts), and for tests without a network. */
const unused = [
  '@fastify/ajv-compiler',
  '@fastify/fast-json-stringify-compiler',
  'light-my-request',
];
const withoutUnused: Plugin = {
  name: 'unused',
  resolveId: (id) => (unused.includes(id) ? `\0${id}` : null),
  load: (id) =>
    unused.includes(id.slice(1)) ? `throw new Error('${id.slice(1)} is in no bundle');` : null,
};

/**
 * A chunk is one function, as the loader takes it, and strict, as the modules are. A text of ASCII alone is read, and found in the cache of compiled code, without
 * being decoded: 2 MB take milliseconds else.
 */
const asFunctions: Plugin = {
  name: 'functions',
  generateBundle: (_options, files) => {
    for (const file of Object.values(files)) {
      if (file.type !== 'chunk') continue;
      const code = file.code.replaceAll(/[^\0-\x7f]/g, escaped);
      file.code = `(function (exports, require, module, __filename) {'use strict';${code}\n})`;
    }
  },
};

function escaped(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const { values } = parseArgs({ options: { out: { type: 'string' } } });
const out = values.out ?? join(root, 'dist');
const begun = new Date();
const stamp = join(out, 'built');
await rm(out, { recursive: true, force: true });
await mkdir(out, { recursive: true });
await bundleLoader();
for (const path of [...programs.map((name) => `server/main/${name}`), ...threads])
  await bundle(path);
// A source that was changed meanwhile is newer than this.
await writeFile(stamp, '');
await utimes(stamp, begun, begun);

/** Chunks are scripts of one function, which is what `scripts/bundle-loader.ts` compiles; a program is what calls it. */
async function bundle(path: string): Promise<void> {
  const bundled = await rolldown({
    input: join(root, 'src', `${path}.ts`),
    platform: 'node',
    external,
    plugins: [places, httpAsItIs, snappyWhenCalled, withoutUnused, asFunctions],
  });
  const name = nameOf(path);
  const folder = join(out, name);
  const { output } = await bundled.write({
    dir: folder,
    format: 'cjs',
    entryFileNames: '[name]-[hash].js',
  });
  await bundled.close();
  const entry = output.find((file) => file.type === 'chunk' && file.isEntry)?.fileName ?? '';
  await writeFile(
    join(folder, `${name}.js`),
    `require('../load.js').runBundle(__dirname, '${entry}', require);\n`,
  );
}

async function bundleLoader(): Promise<void> {
  const input = join(import.meta.dirname, 'bundle-loader.ts');
  const bundled = await rolldown({ input, platform: 'node' });
  await bundled.write({ file: join(out, 'load.js'), format: 'cjs' });
  await bundled.close();
  await writeFile(join(out, 'package.json'), '{ "type": "commonjs" }\n');
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
