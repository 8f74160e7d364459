import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
const tracked = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], {
  cwd: root,
  encoding: 'utf8',
})
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));
const sources = tracked.filter((path) => /^(src|test|scripts|bench)\/.*\.ts$/.test(path));
const written = sources.filter((path) => !/\/gen\/|\.gen\.ts$/.test(path));

function offenders(
  paths: readonly string[],
  wrong: (text: string, path: string) => boolean,
): string[] {
  return paths.filter((path) => wrong(readFileSync(join(root, path), 'utf8'), path));
}

test('tidy: no file is a drawer', () => {
  const drawers = written.filter((path) => /\/(utils?|helpers?|misc|common|index)\.ts$/.test(path));
  expect(drawers.filter((path) => !path.startsWith('src/kernels/assembly/'))).toEqual([]);
});

test('tidy: a file that needs a scroll-map is split', () => {
  const isLong = (text: string) => text.split('\n').length > 800;
  const files = written.filter((path) => !path.endsWith('.test.ts'));
  expect(offenders(files, isLong)).toEqual([]);
});

test('tidy: no default exports, no enums, no skipped or lonely tests', () => {
  const banned =
    /^export default|^(export )?(const )?enum |\b(test|it|describe)\.(only|skip|todo)\(/m;
  const files = written.filter((path) => !path.startsWith('src/kernels/assembly/'));
  expect(
    offenders(files, (text, path) => path !== 'test/tidy/tidy.test.ts' && banned.test(text)),
  ).toEqual([]);
});

test('tidy: imports name their file with its ending', () => {
  const bare = /from '\.{1,2}\/[^']*(?<!\.ts|\.js|\.json|\.wasm)'/;
  const files = written.filter((path) => !path.startsWith('src/kernels/assembly/'));
  expect(offenders(files, (text) => bare.test(text))).toEqual([]);
});

test('tidy: rooms that keep data explain themselves at the door', () => {
  const rooms = written.filter(
    (path) => /^src\/(raft|storage|hh|meta)\//.test(path) && !path.endsWith('.test.ts'),
  );
  expect(
    offenders(rooms, (text) => !text.startsWith('/**') && !/^import [\s\S]*?\n\n\/\*\*/.test(text)),
  ).toEqual([]);
});

test('tidy: files that documents name are there', () => {
  const there = new Set(tracked);
  const gone = tracked
    .filter((path) => path.endsWith('.md'))
    .flatMap((path) =>
      [...readFileSync(join(root, path), 'utf8').matchAll(/`((?:[\w.-]+\/)+[\w.-]+\.ts)`/g)]
        .map(([, name = '']) => name)
        .filter(
          (name) => ![name, `src/${name}`, join(dirname(path), name)].some((at) => there.has(at)),
        ) // prettier-ignore
        .map((name) => `${path}: ${name}`),
    );
  expect(gone).toEqual([]);
});

test('tidy: files that comments name are there', () => {
  const comments = /^ *(?:\/\*\*?|\*|\/\/) .*$/gm;
  const isThere = (name: string) => tracked.some((path) => path === name || path.endsWith(`/${name}`)); // prettier-ignore
  const gone = written.flatMap((path) =>
    (readFileSync(join(root, path), 'utf8').match(comments) ?? [])
      .flatMap((line) => line.match(/(?<![\w.*/-])[\w-][\w./-]*\.(?:ts|md)\b/g) ?? [])
      .filter((name) => !isThere(name))
      .map((name) => `${path}: ${name}`),
  );
  expect(gone).toEqual([]);
});

test('tidy: each page of docs is listed, each decision under its subject, and no other is named', () => {
  const textOf = (path: string) => readFileSync(join(root, path), 'utf8');
  const pages = tracked.filter((path) => /^docs\/.*\.md$/.test(path) && !path.startsWith('docs/performance/')); // prettier-ignore
  const linked = ['docs/README.md', 'docs/decisions/README.md'].flatMap((list) =>
    [...textOf(list).matchAll(/\]\(([\w./-]+\.md)\)/g)].map(([, to = '']) =>
      join(dirname(list), to),
    ),
  );
  expect(pages.filter((path) => path !== 'docs/README.md' && !linked.includes(path))).toEqual([]);
  const numbers = new Set(
    pages.flatMap((path) => /^docs\/decisions\/0*(\d+)-/.exec(path)?.[1] ?? []),
  );
  const unknown = tracked
    .filter((path) => /^(src|docs|test|scripts)\/.*\.(ts|md|proto)$|^[A-Z]+\.md$/.test(path))
    .flatMap((path) =>
      [...textOf(path).matchAll(/[Dd]ecisions? ((?:(?:, | and )?D?\d+(?![\d.]\d))+)/g)]
        .flatMap(([, list = '']) => list.match(/D?\d+/g) ?? [])
        .filter((number) => !numbers.has(number.replace(/^0+/, '')))
        .map((number) => `${path}: decision ${number}`),
    );
  expect(unknown).toEqual([]);
});

test('tidy: lines of the log that operators look up are those that the code writes', () => {
  const [table = ''] = readFileSync(join(root, 'docs/operating/troubles.md'), 'utf8').split(
    '\n## ',
  );
  const looked = [...table.matchAll(/^\| (.*?) +\| /gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`([^`/]+)`/g)].map(([, text = '']) => text),
  );
  const texts = sources.filter((path) => path.startsWith('src/') && !path.endsWith('.test.ts')).map((path) => readFileSync(join(root, path), 'utf8')); // prettier-ignore
  expect(looked.length).toBeGreaterThan(15);
  expect(looked.filter((text) => !texts.some((source) => source.includes(text)))).toEqual([]);
});

test('tidy: a property is tried on the same cases in every run', () => {
  // What asks for rare cases to have come up would fail in one run of many otherwise.
  const without = (text: string) =>
    text.split('fc.assert(').length > text.split(/\bseed: \d+[ ,]/).length;
  expect(offenders(written, without).filter((path) => path !== 'test/tidy/tidy.test.ts')).toEqual([]); // prettier-ignore
});

test('tidy: names keep their bytes: storage, queries and what lies between take base/exact-text.ts', () => {
  // JSON and numbers of our own are always UTF-8; who writes answers looks first whether a text is.
  const others = /^src\/storage\/store\/(log|shards)\/|^src\/models\/print-line\.ts|^src\/kernels\/line-kernel\.ts|^src\/query\/emit\/byte-writer\.ts|^src\/data\/(shards\/pledges|write\/fenced-hint|engine\/digests\/kept-digest-file)/; // prettier-ignore
  const rooms = written.filter((path) => /^src\/(storage|models|kernels|query|data)\//.test(path) && !/\.test\.ts$/.test(path) && !others.test(path)); // prettier-ignore
  const coders = /new Text(De|En)coder|\.toString\('utf-?8'|Buffer\.from\([^()]*\)\.toString\(\)|Buffer\.from\([^()]*, 'utf8'\)/; // prettier-ignore
  expect(offenders(rooms, (text) => coders.test(text))).toEqual([]);
});

test('tidy: the wall clock comes from Env', () => {
  const isOutside = /^src\/env\/node\/|^src\/server\/main\/main-|\.test\.ts$/;
  const inside = written.filter((path) => path.startsWith('src/') && !isOutside.test(path));
  expect(offenders(inside, (text) => /\bnew Date(\(\)|[^\w(])/.test(text))).toEqual([]);
});

test('tidy: the lock file names no download host', () => {
  const lock = readFileSync(join(root, 'package-lock.json'), 'utf8');
  expect(/"resolved"/.test(lock)).toBe(false);
});
