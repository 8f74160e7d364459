import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { tmpdir } from 'node:os';
import { dirname, join, matchesGlob } from 'node:path';
import { ESLint } from 'eslint';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

/** Each planted file breaks one rule, or is wrong for the compiler; its type is what it hangs on. */
const planted: readonly { code: string; text: string; path?: string }[] = [
  { code: 'eqeqeq', text: 'export const isOne = (n: number): boolean => n == 1;' },
  { code: 'max-params', text: 'export const f = (a: number, b: number, c: number, d: number, e: number): number => a + b + c + d + e;' }, // prettier-ignore
  { code: 'no-console', text: "console.log('a');\nexport {};" },
  { code: 'no-restricted-globals', text: 'export const timer = setTimeout(String, 1);' },
  { code: 'no-restricted-properties', text: 'export const now = Date.now();' },
  { code: 'no-restricted-properties', text: 'export const home = process.env.HOME;' },
  { code: 'no-non-null-assertion', text: 'export const first = (n: number[]): number => n[0]!;' },
  { code: 'no-unused-vars', text: 'const unused = 1;\nexport {};' },
  { code: 'no-explicit-any', text: 'export type Loose = any;' },
  { code: 'consistent-type-imports', text: "import { Buffer } from 'node:buffer';\nexport type Bytes = Buffer;" }, // prettier-ignore
  { code: 'explicit-module-boundary-types', text: 'export function one() {\n  return 1;\n}' },
  { code: 'no-floating-promises', text: 'export function go(p: Promise<void>): void {\n  p;\n}' },
  { code: 'no-misused-promises', text: 'export const go = (p: Promise<void>): number => (p ? 1 : 2);' }, // prettier-ignore
  { code: 'await-thenable', text: 'export const go = async (n: number): Promise<number> => await n;' }, // prettier-ignore
  { code: 'require-await', text: 'export const go = async (): Promise<number> => 1;' },
  { code: 'return-await', text: 'export async function go(p: Promise<void>): Promise<void> {\n  try {\n    return p;\n  } finally {\n    await p;\n  }\n}' }, // prettier-ignore
  { code: 'no-unsafe-assignment', text: "export const n: number = JSON.parse('1');" },
  { code: 'no-unsafe-return', text: "export const n = (): number => JSON.parse('1');" },
  { code: 'no-unsafe-argument', text: "export const n = Number.parseInt(JSON.parse('1'));" },
  { code: 'no-unsafe-call', text: "export const n = Number(JSON.parse('1')());" },
  { code: 'no-unsafe-member-access', text: "export const n = Number(JSON.parse('1').a);" },
  {
    code: 'no-unnecessary-condition',
    text: 'export const f = (n: object): number => (n ? 1 : 2);',
  },
  { code: 'no-unnecessary-type-assertion', text: 'export const f = (n: number): number => n as number;' }, // prettier-ignore
  { code: 'no-deprecated', text: 'export const f = (text: string): string => text.substr(1);' },
  { code: 'no-base-to-string', text: 'export const f = (n: object): string => String(n);' },
  {
    code: 'restrict-template-expressions',
    text: 'export const f = (n: object): string => `${n}`;',
  },
  { code: 'restrict-plus-operands', text: "export const f = (n: number): string => n + 'a';" },
  { code: 'only-throw-error', text: "export function f(): never {\n  throw 'a';\n}" },
  { code: 'prefer-promise-reject-errors', text: "export const f = (): Promise<never> => Promise.reject('a');" }, // prettier-ignore
  {
    code: 'unbound-method',
    text: 'class A {\n  n = 1;\n  f(): number {\n    return this.n;\n  }\n}\nexport const f = new A().f;',
  },
  { code: 'no-confusing-void-expression', text: 'export function f(g: () => void): void {\n  return g();\n}' }, // prettier-ignore
  { code: 'switch-exhaustiveness-check', text: "export function f(n: 'a' | 'b'): void {\n  switch (n) {\n    case 'a':\n      break;\n  }\n}" }, // prettier-ignore
  { code: 'TS2322', text: "export const n: number = 'a';" },
  { code: 'TS2307', text: "export { gone } from './gone.ts';" },
  { code: 'TS2578', text: '// @ts-expect-error: nothing is wrong below\nexport const n = 1;' },
  { code: 'TS6133', text: 'export const f = (n: number): number => 1;' },
  { code: 'TS1294', text: 'export enum Color {\n  red,\n}' },
  { code: 'TS2379', text: 'interface A {\n  readonly n?: number;\n}\nexport const f = (n: number | undefined): A => g({ n });\nconst g = (a: A): A => a;' }, // prettier-ignore
  { code: 'TS2322', text: "export const n: number = 'a';", path: 'test/wrong.test.ts' },
  { code: 'TS2322', text: "export const n: number = 'a';", path: 'vitest.config.ts' },
];
const files = planted.map((plant, i) => ({ path: `src/query/plant-${i}.ts`, ...plant }));

interface Finding {
  readonly code: string;
  readonly filename: string;
}

let folder = '';
let findings: readonly Finding[] = [];

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'varve-lint-'));
  for (const name of ['.oxlintrc.json', 'tsconfig.json', 'package.json'])
    cpSync(join(root, name), join(folder, name));
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  for (const { path, text } of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), `${text}\n`);
  }
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    scripts: Readonly<Record<string, string>>;
  };
  const [program = '', ...flags] = (scripts['check:code'] ?? '').split(' ');
  const paths = new Set(files.map(({ path }) => path.replace(/\/.*/, '')));
  const run = spawnSync(
    join(root, 'node_modules/.bin', program),
    [...flags.filter((flag) => flag.startsWith('-') || paths.has(flag)), '--format', 'json'],
    { cwd: folder, encoding: 'utf8', maxBuffer: 64 << 20 },
  );
  ({ diagnostics: findings } = JSON.parse(run.stdout) as { diagnostics: typeof findings });
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test.each(files)('lint: $code in $path', ({ path, code }) => {
  const found = findings.filter(({ filename }) => filename === path).map((one) => one.code);
  expect(found.some((one) => one.includes(code)), found.join(', ')).toBe(true); // prettier-ignore
});

/** Rules of ESLint's that oxlint does not know: `new Date()` is looked for in tidy.test.ts, and `npm run lint` has both. */
const unknownRules = ['no-restricted-syntax', '@typescript-eslint/no-unsafe-class-instance-assignment']; // prettier-ignore

type Rules = Readonly<Record<string, unknown>>;

interface OxlintConfig {
  readonly rules: Rules;
  readonly overrides: readonly {
    readonly files: readonly string[];
    readonly excludeFiles?: readonly string[];
    readonly rules: Rules;
  }[];
}

/** Those that are on for a file with their options, as text. */
function rulesOn(rules: Rules, nameOf: (name: string) => string): ReadonlyMap<string, string> {
  const settings = Object.entries(rules).map(([name, setting]) => {
    const [level, ...options] = (Array.isArray(setting) ? setting : [setting]) as unknown[];
    const isOn = level === 'error' || level === 2;
    return [nameOf(name), isOn, JSON.stringify(options)] as const;
  });
  return new Map(settings.filter(([, isOn]) => isOn).map(([name, , options]) => [name, options]));
}

function oxlintRules({ rules, overrides }: OxlintConfig, path: string): Rules {
  const applied = overrides.filter(
    ({ files, excludeFiles = [] }) =>
      files.some((glob) => matchesGlob(path, glob)) &&
      !excludeFiles.some((glob) => matchesGlob(path, glob)),
  );
  return Object.assign({}, rules, ...applied.map((one) => one.rules)) as Rules;
}

test.each([
  'src/http/data/query-route.ts',
  'src/storage/store/store.ts',
  'src/storage/store/store.test.ts',
  'src/env/node/node-env.ts',
  'src/server/main/main-data.ts',
  'src/kernels/webassembly.d.ts',
  'test/support/wire.ts',
  'scripts/check.ts',
  'bench/query.ts',
])('lint: what is checked of %s is what ESLint checks of it', async (path) => {
  const ours = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as OxlintConfig;
  const eslint = new ESLint({ cwd: root });
  const { rules } = (await eslint.calculateConfigForFile(join(root, path))) as { rules: Rules };
  const known = Object.fromEntries(Object.entries(rules).filter(([name]) => !unknownRules.includes(name))); // prettier-ignore
  const plain = (name: string): string => name.replace(/^(@typescript-eslint|typescript)\//, '');
  expect(new Map([...rulesOn(oxlintRules(ours, path), plain)].sort())).toEqual(
    new Map([...rulesOn(known, plain)].sort()),
  );
});
